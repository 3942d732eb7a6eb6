#pragma once
// The two parts of a Scheduler: Leader on rank 0 (owns the queue and answers), Worker on every other rank.
#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "pace.hpp"
#include "unroll/schedule/schedule.hpp"
#include "wire.hpp"

namespace unroll::schedule {

class Scheduler::Role {
 public:
  Role() = default;
  Role(const Role&) = delete;
  Role& operator=(const Role&) = delete;
  virtual ~Role() = default;
  virtual Chunk next() = 0;
  virtual void finish(std::size_t item, const std::string& digest, bool has_failed) = 0;
  virtual void poll() = 0;
  [[nodiscard]] virtual std::string stop_reason() const = 0;
};

/// Sends under way; finished ones are dropped now and then.
class Outbox {
 public:
  explicit Outbox(const mpi::Communicator& communicator) : communicator_(communicator) {}
  void post(int destination, int tag, std::vector<std::byte> bytes);
  /// Never blocks. True when nothing is under way.
  bool flush();

 private:
  const mpi::Communicator& communicator_;
  std::deque<mpi::PendingSend> sends_;
};

class Scheduler::Leader : public Scheduler::Role {
 public:
  Leader(mpi::Communicator communicator, std::vector<WorkItem> items, Options options);
  ~Leader() override;
  Chunk next() override;
  void finish(std::size_t item, const std::string& digest, bool has_failed) override;
  void poll() override;
  [[nodiscard]] std::string stop_reason() const override;

 private:
  struct Ask {
    int rank = 0;
    std::uint64_t number = 0;
    bool idle = false;
  };

  void run_service() noexcept;
  /// Everything that can be done now without waiting; true when all workers have left and nothing is under way.
  bool serve();
  void receive(const mpi::Message& message);
  void answer_asks();
  bool answer(const Ask& ask);
  void tell_of_stop();
  // The mutex is held in these five.
  std::optional<Chunk> take(int rank, bool ahead);
  void settle(int rank, const ToLeader::Finished& said);
  void begin_stop(const std::string& reason);
  void end(End why);
  void check_wish();
  [[nodiscard]] bool has_idle_ask() const;  // the mutex is held
  void report_progress();
  void report_end();
  void wait_for_service();
  void wait_a_moment();
  void check_service() const;

  mpi::Communicator communicator_;
  Options options_;
  Outbox outbox_;             // used by the service alone
  std::size_t reported_ = 0;  // used by the service alone
  bool has_reported_ = false;
  bool has_reported_end_ = false;
  bool ran_dry_ = false;  // a worker, since the last pause; used by the service alone

  mutable std::mutex mutex_;         // guards all below
  std::condition_variable changed_;  // something was finished, or the service failed or must stop
  Queue queue_;
  std::vector<Ask> asks_;                       // in the order of arrival, at most one a worker
  std::map<int, std::uint64_t> last_answered_;  // number, by worker
  std::set<int> workers_;                       // those that have not left
  std::exception_ptr failure_;
  Pace pace_;
  std::int64_t num_failed_ = 0;
  std::string stop_reason_;
  std::optional<End> end_;
  bool is_service_over_ = false;
  bool told_of_stop_ = false;
  bool must_stop_ = false;
  bool is_waiting_ = false;  // rank 0 itself has nothing to do

  std::thread service_;
  int exceptions_at_start_;
};

class Scheduler::Worker : public Scheduler::Role {
 public:
  Worker(mpi::Communicator communicator, Options options);
  ~Worker() override;
  Chunk next() override;
  void finish(std::size_t item, const std::string& digest, bool has_failed) override;
  void poll() override;
  [[nodiscard]] std::string stop_reason() const override;

 private:
  void ask(bool idle);
  void tell_finished();
  /// Nothing where the wait ended because all are to stop.
  std::optional<ToWorker> wait_for_answer();
  /// Takes what has arrived: an answer is kept, a stop is noted. True when there was something.
  bool look();
  void tell_of_wish();

  mpi::Communicator communicator_;
  Options options_;
  Outbox outbox_;
  std::vector<ToLeader::Finished> finished_;  // and not told yet
  std::uint64_t number_ = 0;                  // of the last ask
  bool asked_ = false;                        // and it is not answered yet
  bool over_ = false;
  std::optional<ToWorker> answer_;  // that came early
  std::string stop_reason_;
  bool told_of_wish_ = false;
  std::chrono::steady_clock::time_point looked_;  // at the mail
  int exceptions_at_start_;
};

}  // namespace unroll::schedule
