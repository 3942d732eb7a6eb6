#pragma once
#include <algorithm>
#include <chrono>
#include <string>

#include "unroll/execute/stop.hpp"

namespace unroll::app {

/// A limit so many seconds after a moment. Its reserve, for the last commits and the merge, is a twentieth of them,
/// from a second to a minute.
[[nodiscard]] inline execute::TimeLimit limit_after(std::chrono::steady_clock::time_point from, double seconds,
                                                    const std::string& reason) {
  using Clock = std::chrono::steady_clock;
  const auto length = std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  return {from + length, reason, std::clamp(seconds / 20, 1.0, 60.0)};
}

/// When work in hand stops between two steps: half of the reserve is left then.
[[nodiscard]] inline std::chrono::steady_clock::time_point last_moment(const execute::TimeLimit& limit) {
  using Clock = std::chrono::steady_clock;
  return limit.end - std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(limit.reserve_s / 2));
}

}  // namespace unroll::app
