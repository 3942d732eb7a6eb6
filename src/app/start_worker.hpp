#pragma once
#include <string>
#include <vector>

namespace unroll::app {

/// Replaces this process by unroll-worker, with LibTorch in its library path. UsageError when either is not there.
[[noreturn]] void start_worker(const std::vector<std::string>& arguments);

}  // namespace unroll::app
