#pragma once
// What this worker can do with GPUs: worker_no_cuda.cpp is linked into unroll-worker, worker_cuda.cpp into
// unroll-worker-cuda.
#include "unroll/execute/device.hpp"

namespace unroll::app {

/// nullptr: nothing.
[[nodiscard]] const execute::GpuSupport* gpu_support();
/// What `unroll doctor` says of each GPU that this process sees, a line each: name, memory, UUID, and how fast memory
/// crosses from the host. With versions of driver, runtime and NCCL in front, or why there is none.
[[nodiscard]] std::vector<std::string> gpu_lines();

}  // namespace unroll::app
