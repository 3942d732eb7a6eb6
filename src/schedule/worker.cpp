#include <optional>
#include <utility>

#include "role.hpp"
#include "unroll/base/error.hpp"

namespace unroll::schedule {

Scheduler::Worker::Worker(mpi::Communicator communicator)
    : communicator_(std::move(communicator)),
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

ToWorker Scheduler::Worker::wait_for_answer() {
  if (asked_) {
    if (const std::optional<mpi::Message> early = communicator_.try_receive(kToWorkerTag)) {
      return decode_to_worker(early->bytes);
    }
  } else {
    ++number_;
  }
  ask(true);
  return decode_to_worker(communicator_.receive(kToWorkerTag).bytes);
}

Chunk Scheduler::Worker::next() {
  if (over_) {
    return Chunk{.items = {}, .depend_digests = {}, .finished = true};
  }
  tell_finished();
  ToWorker answer = wait_for_answer();
  if (answer.kind != ToWorker::Kind::chunk || answer.number != number_) {
    throw Error("rank 0 answered request " + std::to_string(answer.number) + " instead of " + std::to_string(number_));
  }
  asked_ = false;
  over_ = answer.chunk.finished;
  if (!over_) {
    ++number_;
    ask(false);
  }
  outbox_.flush();
  return std::move(answer.chunk);
}

void Scheduler::Worker::finish(std::size_t item, const std::string& digest) { finished_.push_back({item, digest}); }

void Scheduler::Worker::tell_finished() {
  if (!finished_.empty()) {
    outbox_.post(0, kToLeaderTag,
                 encode(ToLeader{.kind = ToLeader::Kind::finish, .finished = std::exchange(finished_, {})}));
  }
}

void Scheduler::Worker::poll() {
  tell_finished();
  outbox_.flush();
}

}  // namespace unroll::schedule
