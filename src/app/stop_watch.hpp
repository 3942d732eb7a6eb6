#pragma once
// Ends a study in order when a signal asks for it, or a moment has come. No handler interrupts anything: SIGUSR2,
// SIGTERM and SIGINT are blocked in every thread, and one thread waits for them. A second SIGINT ends the process at
// once.
#include <chrono>
#include <mutex>
#include <string>
#include <thread>

#include "unroll/execute/stop.hpp"

namespace unroll::app {

class StopWatch {
 public:
  /// To be made before other threads are, which inherit what is blocked. A signal that is ignored stays ignored (nohup,
  /// a shell's background jobs).
  explicit StopWatch(execute::StopSource& stop);
  StopWatch(const StopWatch&) = delete;
  StopWatch& operator=(const StopWatch&) = delete;
  /// The signals stay blocked: what comes now is too late to change anything.
  ~StopWatch();

  /// Requests the stop at that moment, for this reason.
  void stop_at(std::chrono::steady_clock::time_point when, const std::string& reason);

 private:
  void watch(std::stop_token token);

  execute::StopSource& stop_;
  std::mutex mutex_;  // guards the two below
  std::chrono::steady_clock::time_point when_ = std::chrono::steady_clock::time_point::max();
  std::string reason_;
  std::jthread thread_;
};

}  // namespace unroll::app
