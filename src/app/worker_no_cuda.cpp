#include "worker_gpu.hpp"

namespace unroll::app {

const execute::GpuSupport* gpu_support() { return nullptr; }
std::vector<std::string> gpu_lines() { return {}; }

}  // namespace unroll::app
