#include "unroll/execute/device.hpp"

#include <ATen/Context.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <dlfcn.h>

#include <array>

#include "unroll/base/error.hpp"

namespace unroll::execute {
namespace {

/// The few calls of the driver that say what a GPU is; they need no CUDA toolkit.
struct Driver {
  int (*init)(unsigned) = nullptr;
  int (*version)(int*) = nullptr;
  int (*name)(char*, int, int) = nullptr;
  int (*attribute)(int*, int, int) = nullptr;

  [[nodiscard]] bool is_there() const {
    return init != nullptr && version != nullptr && name != nullptr && attribute != nullptr && init(0) == 0;
  }
};

/// Loaded once and never closed: LibTorch's CUDA library holds on to it.
Driver load_driver() {
  Driver driver;
  void* library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_GLOBAL);
  if (library != nullptr) {
    const auto find = [&](auto& function, const char* symbol) {
      function = reinterpret_cast<std::decay_t<decltype(function)>>(dlsym(library, symbol));
    };
    find(driver.init, "cuInit");
    find(driver.version, "cuDriverGetVersion");
    find(driver.name, "cuDeviceGetName");
    find(driver.attribute, "cuDeviceGetAttribute");
  }
  return driver;
}

}  // namespace

Gpus visible_gpus() {
  if (!load_driver().is_there()) {
    return {0, "there is no NVIDIA driver that works"};
  }
  if (dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL) == nullptr) {
    return {0, std::string("LibTorch's CUDA library cannot be loaded (") + dlerror() + ")"};
  }
  const auto& hooks = at::detail::getCUDAHooks();
  const int count = hooks.hasCUDA() ? hooks.getNumGPUs() : 0;
  return {count, count > 0 ? "" : "CUDA_VISIBLE_DEVICES hides them all, or LibTorch was built for other GPUs"};
}

torch::Device choose_device(const mpi::Communicator& world, config::Device wanted) {
  if (wanted == config::Device::cpu) {
    return torch::kCPU;
  }
  const auto gpus = visible_gpus();
  const auto reasons = world.all_gather(gpus.why_none);
  std::size_t num_without = 0, first_without = 0;
  for (std::size_t rank = reasons.size(); rank-- > 0;) {
    if (!reasons[rank].empty()) {
      ++num_without;
      first_without = rank;
    }
  }
  if (num_without == reasons.size() && wanted == config::Device::auto_) {
    return torch::kCPU;
  }
  if (num_without > 0) {
    throw UsageError("run.device = " + std::string(wanted == config::Device::cuda ? "cuda" : "auto") + ": rank " +
                     std::to_string(first_without) + " has no GPU: " + reasons[first_without] +
                     "; give every rank one, or set run.device = cpu");
  }
  const auto index = static_cast<c10::DeviceIndex>(world.node().rank() % gpus.count);
  const torch::Device device(torch::kCUDA, index);
  c10::impl::getDeviceGuardImpl(torch::kCUDA)->setDevice(device);
  return device;
}

std::string device_text(torch::Device device) {
  if (device.is_cpu()) {
    return "cpu";
  }
  constexpr int kMajor = 75, kMinor = 76;  // CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_*
  const auto driver = load_driver();
  std::array<char, 128> name{};
  int version = 0, major = 0, minor = 0;
  driver.name(name.data(), static_cast<int>(name.size()), device.index());
  driver.version(&version);
  driver.attribute(&major, kMajor, device.index());
  driver.attribute(&minor, kMinor, device.index());
  const auto& hooks = at::detail::getCUDAHooks();
  return std::string(name.data()) + ", compute " + std::to_string(major) + "." + std::to_string(minor) + ", driver " +
         std::to_string(version) + ", runtime " + std::to_string(hooks.versionCUDART()) + ", cuDNN " +
         std::to_string(hooks.versionRuntimeCuDNN());
}

}  // namespace unroll::execute
