#pragma once
#include <string>
#include <vector>

#include "unroll/config/settings.hpp"

namespace unroll::app {

/// Replaces this process by unroll-worker, or by unroll-worker-cuda where it is there, GPUs may be used and there is a
/// driver, with LibTorch in its library path. UsageError when worker or LibTorch is not there, or GPUs are asked for in
/// a build without CUDA.
[[noreturn]] void start_worker(const std::vector<std::string>& arguments, config::Device device);

}  // namespace unroll::app
