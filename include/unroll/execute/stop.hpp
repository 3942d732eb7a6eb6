#pragma once
// Ending a study early, in order. Somebody requests it (a signal, a time limit, a disk that stays full); every rank
// learns of it through rank 0's service, and the next Poll between two steps leaves training with Stopped. What was
// committed stays, what was in hand is given back, the ranks meet, and the results are merged: running again resumes.
#include <atomic>
#include <chrono>
#include <exception>
#include <mutex>
#include <string>
#include <utility>

namespace unroll::execute {

/// Thrown by Poll (context.hpp) when the study is to end. Whoever trains lets it pass, after saving what it can.
class Stopped : public std::exception {
 public:
  explicit Stopped(std::string reason) : reason_(std::move(reason)) {}
  [[nodiscard]] const char* what() const noexcept override { return reason_.c_str(); }

 private:
  std::string reason_;
};

/// One rank's wish to end. Any thread may request or ask.
class StopSource {
 public:
  /// Why, in the words of the outcome: "SIGUSR2", "--stop-after 3600", "the job's time limit". The first one counts.
  void request(const std::string& reason) {
    const std::lock_guard lock(mutex_);
    if (!requested_) {
      reason_ = reason;
      requested_ = true;
    }
  }
  /// One load: to be asked at every step.
  [[nodiscard]] bool requested() const noexcept { return requested_.load(std::memory_order_acquire); }
  /// "" when nobody requested it.
  [[nodiscard]] std::string reason() const {
    const std::lock_guard lock(mutex_);
    return reason_;
  }

 private:
  std::atomic<bool> requested_ = false;
  mutable std::mutex mutex_;
  std::string reason_;
};

/// When a study must be over. Work that is likely to last longer than until the reserve begins is not begun.
struct TimeLimit {
  std::chrono::steady_clock::time_point end;
  std::string reason;    // "--stop-after 3600", "the job's time limit"
  double reserve_s = 0;  // at the end: for the last commits and the merge
};

}  // namespace unroll::execute
