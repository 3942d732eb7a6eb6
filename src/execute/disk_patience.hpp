#pragma once
// What a rank does while the disk refuses its rows: it keeps them in memory, waits with growing pauses, and says so
// once.
#include <chrono>
#include <functional>
#include <string>

#include "unroll/execute/context.hpp"
#include "unroll/store/file_door.hpp"

namespace unroll::execute {

class DiskPatience {
 public:
  using Say = std::function<void(const std::string& line)>;

  /// poll: called while waiting; what it throws passes.
  DiskPatience(double limit_s, Poll poll, Say say);

  /// Waits; true: try again. False when it has lasted too long, or will not pass (the folder is gone, or not ours).
  bool operator()(const store::FileError& error);

 private:
  using Clock = std::chrono::steady_clock;
  void wait(double seconds) const;

  double limit_s_;
  Poll poll_;
  Say say_;
  Clock::time_point began_, last_;  // of the refusals that follow each other
  double pause_s_ = 0;
};

/// Seconds: UNROLL_DISK_PATIENCE_S (0 to 86400), else 120. UsageError for another value.
[[nodiscard]] double disk_patience_s();

}  // namespace unroll::execute
