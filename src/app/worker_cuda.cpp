#include <ATen/Context.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <ATen/ops/empty.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>

#include <chrono>

#include "unroll/base/wording.hpp"
#include "unroll/cuda/cuda.hpp"
#include "unroll/gather/nccl_gather.hpp"
#include "unroll/nccl/nccl.hpp"
#include "worker_gpu.hpp"

namespace unroll::app {
namespace {

class Cuda final : public execute::GpuSupport {
 public:
  [[nodiscard]] std::vector<execute::Gpu> gpus() const override {
    std::vector<execute::Gpu> seen;
    for (const auto& device : cuda::devices()) {
      seen.push_back({device.name, device.uuid});
    }
    return seen;
  }
  [[nodiscard]] std::string versions() const override {
    const auto versions = cuda::versions();
    return "driver " + std::to_string(versions.driver) + ", runtime " + std::to_string(versions.runtime) + ", cuDNN " +
           std::to_string(at::detail::getCUDAHooks().versionRuntimeCuDNN());
  }
  void use(int index) const override {
    cuda::use_device(index);
    c10::impl::getDeviceGuardImpl(torch::kCUDA)->setDevice({torch::kCUDA, static_cast<c10::DeviceIndex>(index)});
  }
  [[nodiscard]] std::string shared(const std::vector<std::string>& uuid_of_rank) const override {
    return cuda::shared_device(uuid_of_rank);
  }
  [[nodiscard]] std::unique_ptr<gather::Gatherer> gatherer(const mpi::Communicator& communicator, int index,
                                                           const gather::Options& options) const override {
    return gather::make_nccl_gatherer(communicator, index, options);
  }
};

/// Bytes a second from the host's memory to the device's, of the fastest of some copies.
double copy_speed(int index) {
  constexpr std::int64_t kBytes = 64 << 20;
  const torch::Device device(torch::kCUDA, static_cast<c10::DeviceIndex>(index));
  const auto host = torch::zeros({kBytes}, torch::kUInt8);
  auto there = torch::empty({kBytes}, torch::TensorOptions(torch::kUInt8).device(device));
  double best = 0;
  for (int i = 0; i < 5; ++i) {
    const auto start = std::chrono::steady_clock::now();
    there.copy_(host);
    at::detail::getCUDAHooks().deviceSynchronize(device.index());
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    best = std::max(best, static_cast<double>(kBytes) / seconds.count());
  }
  return best;
}

}  // namespace

const execute::GpuSupport* gpu_support() {
  static const Cuda kCuda;
  return &kCuda;
}

std::vector<std::string> gpu_lines() {
  const auto devices = cuda::devices();
  const int nccl = nccl::library().version;
  std::vector<std::string> lines{gpu_support()->versions() + ", NCCL " + std::to_string(nccl)};
  if (devices.empty()) {
    lines.front() += ": no GPU is visible";
  }
  for (const auto& device : devices) {
    lines.push_back("GPU " + std::to_string(device.index) + ": " + device.name + ", " +
                    rounded(static_cast<double>(device.memory_bytes) / (1 << 30)) + " GiB, " + device.uuid + ", " +
                    rounded(copy_speed(device.index) / 1e9) + " GB/s from the host");
  }
  return lines;
}

}  // namespace unroll::app
