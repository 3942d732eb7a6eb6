#include <algorithm>
#include <chrono>
#include <utility>

#include "role.hpp"
#include "unroll/base/error.hpp"

namespace unroll::schedule {
namespace {

// Between two looks at the mail; a look costs 10 to 25 us of rank 0's core. A worker asks for its next chunk before it
// runs dry, so a pause delays work only when one did: then it is short, and doubles from there.
constexpr std::chrono::microseconds kShortestPause(400), kLongestPauseWhileIdle(500), kLongestPause(16000);

double now_s() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

}  // namespace

Scheduler::Leader::Leader(mpi::Communicator communicator, std::vector<WorkItem> items, Options options)
    : communicator_(std::move(communicator)),
      options_(std::move(options)),
      outbox_(communicator_),
      queue_(std::move(items), communicator_.size(), options_.lanes_per_pack),
      exceptions_at_start_(std::uncaught_exceptions()) {
  for (int rank = 1; rank < communicator_.size(); ++rank) {
    workers_.insert(rank);
  }
  report_progress();
  if (options_.threaded && communicator_.size() > 1) {
    service_ = std::thread([this] { run_service(); });
  }
}

Scheduler::Leader::~Leader() {
  const bool unwinding = std::uncaught_exceptions() > exceptions_at_start_;
  bool failed = false;
  {
    const std::lock_guard lock(mutex_);
    must_stop_ = unwinding;
    queue_.leave(0);
    failed = failure_ != nullptr;
  }
  changed_.notify_all();
  if (service_.joinable()) {
    if (!unwinding) {
      wait_for_service();
    }
    service_.join();
    failed = failed || failure_ != nullptr;
  } else if (!unwinding) {
    try {
      while (!serve()) {
        wait_a_moment();
      }
    } catch (...) {
      failed = true;
    }
  }
  if (!unwinding && !failed) {
    report_end();
  }
  if (failed && !unwinding) {
    mpi::Environment::abort(1);  // the others would wait for answers for ever
  }
}

void Scheduler::Leader::run_service() noexcept {
  try {
    auto pause = kShortestPause;
    while (!serve()) {
      std::unique_lock lock(mutex_);
      if (must_stop_) {
        return;
      }
      const bool somebody_waits = is_waiting_ || has_idle_ask();
      pause = ran_dry_ ? kShortestPause : std::min(2 * pause, somebody_waits ? kLongestPauseWhileIdle : kLongestPause);
      ran_dry_ = false;
      changed_.wait_for(lock, pause);
    }
  } catch (...) {
    const std::lock_guard lock(mutex_);
    failure_ = std::current_exception();
  }
  {
    const std::lock_guard lock(mutex_);
    is_service_over_ = true;
  }
  changed_.notify_all();
}

/// Until all workers have left; a wish of rank 0 is still heard.
void Scheduler::Leader::wait_for_service() {
  std::unique_lock lock(mutex_);
  while (!is_service_over_) {
    check_wish();
    changed_.wait_for(lock, kLongestPause);
  }
}

void Scheduler::Leader::wait_a_moment() {
  {
    const std::lock_guard lock(mutex_);
    check_wish();
  }
  std::this_thread::sleep_for(kLongestPauseWhileIdle);
}

bool Scheduler::Leader::serve() {
  while (const std::optional<mpi::Message> message = communicator_.try_receive(kToLeaderTag)) {
    receive(*message);
  }
  tell_of_stop();
  answer_asks();
  report_progress();
  report_end();
  const bool sent = outbox_.flush();
  const std::lock_guard lock(mutex_);
  return sent && workers_.empty();
}

void Scheduler::Leader::receive(const mpi::Message& message) {
  const ToLeader said = decode_to_leader(message.bytes);
  const std::lock_guard lock(mutex_);
  const auto ask = std::find_if(asks_.begin(), asks_.end(), [&](const Ask& a) { return a.rank == message.source; });
  switch (said.kind) {
    case ToLeader::Kind::finish:
      for (const ToLeader::Finished& finished : said.finished) {
        settle(message.source, finished);
      }
      break;
    case ToLeader::Kind::ask:
      ran_dry_ = ran_dry_ || said.idle;
      if (ask != asks_.end()) {
        ask->idle = said.idle;
      } else if (said.number > last_answered_[message.source]) {
        asks_.push_back({message.source, said.number, said.idle});
      }
      break;
    case ToLeader::Kind::leave:
      if (ask != asks_.end()) {
        asks_.erase(ask);
      }
      queue_.leave(message.source);
      pace_.leave(message.source);
      workers_.erase(message.source);
      outbox_.post(message.source, kToWorkerTag, encode(ToWorker{.kind = ToWorker::Kind::bye}));
      break;
    case ToLeader::Kind::stop:
      begin_stop(said.reason);
      break;
  }
  changed_.notify_all();
}

void Scheduler::Leader::settle(int rank, const ToLeader::Finished& said) {
  queue_.finish(said.item, said.digest);
  pace_.finish(rank, now_s());
  num_failed_ += said.has_failed ? 1 : 0;
  if (options_.max_fails > 0 && num_failed_ >= options_.max_fails) {
    end(End::max_fails);
  }
}

void Scheduler::Leader::end(End why) {
  if (queue_.num_left() > 0 && !end_) {
    end_ = why;
  }
  queue_.close();
}

void Scheduler::Leader::begin_stop(const std::string& reason) {
  if (stop_reason_.empty()) {
    stop_reason_ = reason;
    queue_.close();
  }
}

void Scheduler::Leader::tell_of_stop() {
  const std::lock_guard lock(mutex_);
  if (stop_reason_.empty() || std::exchange(told_of_stop_, true)) {
    return;
  }
  for (const int worker : workers_) {
    outbox_.post(worker, kToWorkerTag, encode(ToWorker{.kind = ToWorker::Kind::stop, .reason = stop_reason_}));
  }
}

std::optional<Chunk> Scheduler::Leader::take(int rank, bool ahead) {
  std::optional<Chunk> chunk;
  if (options_.time_left_s) {
    const double left_s = options_.time_left_s() - pace_.busy_s(rank, now_s());
    chunk = queue_.take(rank, ahead,
                        [&](const std::string& key, double cost) { return pace_.likely_s(key, cost) <= left_s; });
    const bool is_too_late = chunk && chunk->finished && !end_ && queue_.num_left() > 0;
    if (is_too_late && ahead) {
      return std::nullopt;  // it may look better when the rank is done with what it has
    }
    if (is_too_late) {
      end_ = End::time;  // shorter work that becomes ready later may fit: the queue stays open
    }
  } else {
    chunk = queue_.take(rank, ahead);
  }
  if (chunk && !chunk->items.empty()) {
    double cost = 0;
    for (const std::size_t item : chunk->items) {
      cost += queue_.item(item).cost;
    }
    pace_.give(rank, queue_.item(chunk->items.front()).pack_key, cost, chunk->items.size(), now_s());
  }
  return chunk;
}

void Scheduler::Leader::answer_asks() {
  const std::lock_guard lock(mutex_);
  std::erase_if(asks_, [&](const Ask& ask) { return ask.idle && answer(ask); });
  std::erase_if(asks_, [&](const Ask& ask) {
    const bool plenty = queue_.num_ready() >= static_cast<std::size_t>(communicator_.size());
    return !ask.idle && plenty && answer(ask);
  });
}

bool Scheduler::Leader::answer(const Ask& ask) {
  std::optional<Chunk> chunk = take(ask.rank, !ask.idle);
  if (!chunk) {
    return false;
  }
  last_answered_[ask.rank] = ask.number;
  outbox_.post(ask.rank, kToWorkerTag,
               encode(ToWorker{.kind = ToWorker::Kind::chunk, .number = ask.number, .chunk = std::move(*chunk)}));
  return true;
}

bool Scheduler::Leader::has_idle_ask() const {
  return std::any_of(asks_.begin(), asks_.end(), [](const Ask& ask) { return ask.idle; });
}

void Scheduler::Leader::report_progress() {
  std::size_t done = 0, total = 0;
  {
    const std::lock_guard lock(mutex_);
    done = queue_.num_done();
    total = queue_.size();
  }
  if (options_.on_progress && (!has_reported_ || done != reported_)) {
    options_.on_progress(done, total);
  }
  reported_ = done;
  has_reported_ = true;
}

void Scheduler::Leader::report_end() {
  std::optional<End> why;
  {
    const std::lock_guard lock(mutex_);
    why = end_;
  }
  if (why && options_.on_end && !std::exchange(has_reported_end_, true)) {
    options_.on_end(*why);
  }
}

void Scheduler::Leader::check_service() const {
  if (failure_ != nullptr) {
    std::rethrow_exception(failure_);
  }
}

Chunk Scheduler::Leader::next() {
  while (true) {
    if (!service_.joinable()) {
      serve();
    }
    std::unique_lock lock(mutex_);
    check_service();
    check_wish();
    if (std::optional<Chunk> chunk = take(0, false)) {
      is_waiting_ = false;
      return std::move(*chunk);
    }
    is_waiting_ = true;
    changed_.wait_for(lock, kLongestPauseWhileIdle);
  }
}

void Scheduler::Leader::finish(std::size_t item, const std::string& digest, bool has_failed) {
  bool somebody_waits = false;
  {
    const std::lock_guard lock(mutex_);
    settle(0, {item, digest, has_failed});
    somebody_waits = has_idle_ask();
  }
  if (somebody_waits) {
    changed_.notify_all();
  }
  poll();
}

void Scheduler::Leader::poll() {
  if (!service_.joinable()) {
    serve();
  }
  const std::lock_guard lock(mutex_);
  check_service();
  check_wish();
}

void Scheduler::Leader::check_wish() {
  if (stop_reason_.empty() && options_.wish_to_stop) {
    if (const std::optional<std::string> reason = options_.wish_to_stop()) {
      begin_stop(*reason);
      changed_.notify_all();
    }
  }
}

std::string Scheduler::Leader::stop_reason() const {
  const std::lock_guard lock(mutex_);
  return stop_reason_;
}
}  // namespace unroll::schedule
