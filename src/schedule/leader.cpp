#include <algorithm>
#include <chrono>
#include <utility>

#include "role.hpp"
#include "unroll/base/error.hpp"

namespace unroll::schedule {
namespace {

// Between two looks at the mail; a look costs 10 to 25 us of rank 0's core. A worker asks for its next chunk before it
// runs dry, so a pause delays work only when one did: then it is short, and doubles from there.
constexpr std::chrono::microseconds kShortestPause(400), kLongestPauseWhileIdle(500), kLongestPause(8000);

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
    service_.join();
    failed = failed || failure_ != nullptr;
  } else if (!unwinding) {
    try {
      while (!serve()) {
        std::this_thread::sleep_for(kLongestPauseWhileIdle);
      }
    } catch (...) {
      failed = true;
    }
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
  changed_.notify_all();
}

bool Scheduler::Leader::serve() {
  while (const std::optional<mpi::Message> message = communicator_.try_receive(kToLeaderTag)) {
    receive(*message);
  }
  answer_asks();
  report_progress();
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
      for (const auto& [item, digest] : said.finished) {
        queue_.finish(item, digest);
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
      workers_.erase(message.source);
      outbox_.post(message.source, kToWorkerTag, encode(ToWorker{.kind = ToWorker::Kind::bye}));
      break;
  }
  changed_.notify_all();
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
  std::optional<Chunk> chunk = queue_.take(ask.rank, !ask.idle);
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
    if (std::optional<Chunk> chunk = queue_.take(0)) {
      is_waiting_ = false;
      return std::move(*chunk);
    }
    is_waiting_ = true;
    changed_.wait_for(lock, kLongestPauseWhileIdle);
  }
}

void Scheduler::Leader::finish(std::size_t item, const std::string& digest) {
  bool somebody_waits = false;
  {
    const std::lock_guard lock(mutex_);
    queue_.finish(item, digest);
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
    return;
  }
  const std::lock_guard lock(mutex_);
  check_service();
}

}  // namespace unroll::schedule
