#include <algorithm>
#include <optional>
#include <thread>
#include <utility>

#include "role.hpp"
#include "unroll/base/error.hpp"

namespace unroll::schedule {

namespace {

constexpr std::chrono::milliseconds kBetweenLooks(20);  // while training; a look costs 10 us
constexpr std::chrono::microseconds kShortestPause(20), kLongestPause(500);

}  // namespace

Scheduler::Worker::Worker(mpi::Communicator communicator, Options options)
    : communicator_(std::move(communicator)),
      options_(std::move(options)),
      outbox_(communicator_),
      exceptions_at_start_(std::uncaught_exceptions()) {}

Scheduler::Worker::~Worker() {
  if (std::uncaught_exceptions() > exceptions_at_start_) {
    return;
  }
  tell_finished();
  outbox_.post(0, kToLeaderTag, encode(ToLeader{.kind = ToLeader::Kind::leave}));
  while (decode_to_worker(communicator_.receive(kToWorkerTag).bytes).kind != ToWorker::Kind::bye) {
    // A chunk that crossed with the farewell: rank 0 gives it to others.
  }
}

void Scheduler::Worker::ask(bool idle) {
  outbox_.post(0, kToLeaderTag, encode(ToLeader{.kind = ToLeader::Kind::ask, .number = number_, .idle = idle}));
  asked_ = true;
}

bool Scheduler::Worker::look() {
  const std::optional<mpi::Message> message = communicator_.try_receive(kToWorkerTag);
  if (!message) {
    return false;
  }
  ToWorker said = decode_to_worker(message->bytes);
  if (said.kind == ToWorker::Kind::stop) {
    stop_reason_ = said.reason;
  } else {
    answer_ = std::move(said);
  }
  return true;
}

void Scheduler::Worker::tell_of_wish() {
  if (told_of_wish_ || !options_.wish_to_stop) {
    return;
  }
  if (const std::optional<std::string> reason = options_.wish_to_stop()) {
    outbox_.post(0, kToLeaderTag, encode(ToLeader{.kind = ToLeader::Kind::stop, .reason = *reason}));
    told_of_wish_ = true;
    stop_reason_ = *reason;
  }
}

std::optional<ToWorker> Scheduler::Worker::wait_for_answer() {
  if (!asked_) {
    ++number_;
  }
  while (look()) {
  }
  if (!answer_ && stop_reason_.empty()) {
    ask(true);
  }
  auto pause = kShortestPause;
  while (!answer_ && stop_reason_.empty()) {
    tell_of_wish();
    if (!look()) {
      std::this_thread::sleep_for(pause);
      pause = std::min(2 * pause, kLongestPause);
    }
  }
  return std::exchange(answer_, std::nullopt);
}

Chunk Scheduler::Worker::next() {
  const Chunk end{.items = {}, .depend_digests = {}, .finished = true};
  if (over_ || !stop_reason_.empty()) {
    return end;
  }
  tell_finished();
  std::optional<ToWorker> answer = wait_for_answer();
  if (!stop_reason_.empty()) {
    return end;
  }
  if (answer->kind != ToWorker::Kind::chunk || answer->number != number_) {
    throw Error("rank 0 answered request " + std::to_string(answer->number) + " instead of " + std::to_string(number_));
  }
  asked_ = false;
  over_ = answer->chunk.finished;
  if (!over_) {
    ++number_;
    ask(false);
  }
  outbox_.flush();
  return std::move(answer->chunk);
}

void Scheduler::Worker::finish(std::size_t item, const std::string& digest, bool has_failed) {
  finished_.push_back({item, digest, has_failed});
}

void Scheduler::Worker::tell_finished() {
  if (!finished_.empty()) {
    outbox_.post(0, kToLeaderTag,
                 encode(ToLeader{.kind = ToLeader::Kind::finish, .finished = std::exchange(finished_, {})}));
  }
}

void Scheduler::Worker::poll() {
  tell_finished();
  tell_of_wish();
  outbox_.flush();
  const auto now = std::chrono::steady_clock::now();
  if (now - looked_ >= kBetweenLooks) {
    looked_ = now;
    while (look()) {
    }
  }
}

std::string Scheduler::Worker::stop_reason() const { return stop_reason_; }

}  // namespace unroll::schedule
