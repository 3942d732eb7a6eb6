#include "timetable.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <numeric>
#include <queue>

namespace unroll::plan {
namespace {

constexpr double kSmallestGain = 0.03;
constexpr int kNumTrials = 20;      // of the bisection
constexpr double kRounding = 1e-9;  // sums of the same costs in another order

struct Waiting {
  double ready_s;
  std::size_t job;
  bool operator<(const Waiting& other) const {
    return ready_s != other.ready_s ? ready_s > other.ready_s : job > other.job;
  }
};
struct Ready {
  double critical_s;
  std::size_t job;
  bool operator<(const Ready& other) const {
    return critical_s != other.critical_s ? critical_s < other.critical_s : job > other.job;
  }
};

class Player {
 public:
  Player(const std::vector<Job>& jobs, double end_s)
      : jobs_(jobs),
        end_s_(end_s * (1 + kRounding)),
        num_open_(jobs.size()),
        ready_s_(jobs.size()),
        dependents_(jobs.size()) {
    result_.parts.resize(jobs.size());
    for (std::size_t job = 0; job < jobs.size(); ++job) {
      num_open_[job] = jobs[job].depends.size();
      for (const std::size_t depend : jobs[job].depends) {
        dependents_[depend].push_back(job);
      }
      if (num_open_[job] == 0) {
        waiting_.push({0, job});
      }
    }
  }

  Timetable play(int num_ranks) {
    std::priority_queue<double, std::vector<double>, std::greater<>> free_s;
    for (int rank = 0; rank < num_ranks; ++rank) {
      free_s.push(0);
    }
    while (!waiting_.empty() || !ready_.empty()) {
      const double now_s = ready_.empty() ? std::max(free_s.top(), waiting_.top().ready_s) : free_s.top();
      free_s.pop();
      for (; !waiting_.empty() && waiting_.top().ready_s <= now_s; waiting_.pop()) {
        ready_.push({jobs_[waiting_.top().job].critical_s, waiting_.top().job});
      }
      const std::size_t job = ready_.top().job;
      ready_.pop();
      const double done_s = now_s + take(job, end_s_ - now_s);
      free_s.push(done_s);
      result_.end_s = std::max(result_.end_s, done_s);
      release(job, done_s);
    }
    return std::move(result_);
  }

 private:
  /// What the rank takes of the job when it has so much room; the rest is ready again.
  double take(std::size_t index, double room_s) {
    const Job& job = jobs_[index];
    const auto divided = left_.find(index);
    if (divided == left_.end() && (job.cost_s <= room_s || job.forks_s.size() < 2)) {
      return job.cost_s;
    }
    auto& left = divided != left_.end() ? divided->second : left_[index];
    if (divided == left_.end()) {
      left.resize(job.forks_s.size());
      std::iota(left.begin(), left.end(), std::size_t{0});
    }
    std::vector<std::size_t> taken, rest;
    double cost_s = job.trunk_s, rest_s = job.trunk_s;
    for (const std::size_t fork : left) {
      const bool fits = cost_s + job.forks_s[fork] <= room_s;
      (fits ? taken : rest).push_back(fork);
      (fits ? cost_s : rest_s) += job.forks_s[fork];
    }
    if (taken.empty()) {
      taken = std::move(rest);
      rest.clear();
      cost_s = rest_s;
    }
    if (!rest.empty()) {
      ready_.push({rest_s, index});
    }
    left = std::move(rest);
    result_.parts[index].push_back(std::move(taken));
    return cost_s;
  }

  void release(std::size_t index, double done_s) {
    for (const std::size_t dependent : dependents_[index]) {
      ready_s_[dependent] = std::max(ready_s_[dependent], done_s);
      if (--num_open_[dependent] == 0) {
        waiting_.push({ready_s_[dependent], dependent});
      }
    }
  }

  const std::vector<Job>& jobs_;
  double end_s_;
  std::vector<std::size_t> num_open_;  // jobs that a job waits for
  std::vector<double> ready_s_;
  std::vector<std::vector<std::size_t>> dependents_;
  std::map<std::size_t, std::vector<std::size_t>> left_;  // forks of jobs that were divided
  std::priority_queue<Waiting> waiting_;
  std::priority_queue<Ready> ready_;
  Timetable result_;
};

}  // namespace

Timetable play(const std::vector<Job>& jobs, int num_ranks, double end_s) {
  return Player(jobs, end_s).play(num_ranks);
}

Timetable best_timetable(const std::vector<Job>& jobs, int num_ranks) {
  const Timetable undivided = play(jobs, num_ranks, std::numeric_limits<double>::max());
  const double work_s =
      std::accumulate(jobs.begin(), jobs.end(), 0.0, [](double sum, const Job& job) { return sum + job.cost_s; });
  double low_s = work_s / num_ranks, high_s = undivided.end_s;
  const double wanted_s = undivided.end_s * (1 - kSmallestGain);
  Timetable best = undivided;
  for (int trial = 0; trial < kNumTrials && low_s <= wanted_s; ++trial) {
    const double middle_s = (low_s + high_s) / 2;
    Timetable tried = play(jobs, num_ranks, middle_s);
    (tried.end_s <= middle_s * (1 + 2 * kRounding) ? high_s : low_s) = middle_s;
    if (tried.end_s < best.end_s) {
      best = std::move(tried);
    }
  }
  return best.end_s <= wanted_s ? best : undivided;
}

}  // namespace unroll::plan
