#include "unroll/execute/device.hpp"

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "unroll/base/error.hpp"

namespace unroll::execute {
namespace {

constexpr const char* kNoSupport = "no NVIDIA driver is installed there";

std::string why_none(const GpuSupport* gpus, const std::vector<Gpu>& seen) {
  if (gpus == nullptr) {
    return kNoSupport;
  }
  return seen.empty() ? "no GPU is visible (no driver, none in this machine, or CUDA_VISIBLE_DEVICES hides them)" : "";
}

/// "rank 1 sees no GPU: ..." of the first that sees none; "" if there is no such rank.
std::string first_without(const std::vector<std::string>& reasons) {
  const auto found = std::find_if(reasons.begin(), reasons.end(), [](const auto& reason) { return !reason.empty(); });
  return found == reasons.end() ? "" : "rank " + std::to_string(found - reasons.begin()) + " sees no GPU: " + *found;
}

void say(const mpi::Communicator& world, const Notice& notice, const std::string& line) {
  if (world.rank() == 0 && notice) {
    notice(line);
  }
}

bool sharing_is_allowed() {
  const char* value = std::getenv("UNROLL_SHARED_GPU");
  return value != nullptr && std::string_view(value) == "1";
}

}  // namespace

Placement place(const mpi::Communicator& world, const config::Study& study, const config::Settings& settings,
                const GpuSupport* gpus, const Notice& notice) {
  const auto& run = settings.run;
  const auto seen = run.device != config::Device::cpu && gpus != nullptr ? gpus->gpus() : std::vector<Gpu>();
  const auto reasons = world.all_gather(why_none(gpus, seen));
  const auto without = first_without(reasons);
  if (run.device == config::Device::cuda && !without.empty()) {
    throw config::bad_setting(study, "run.device", settings,
                              without + "; give every rank one, or set it to auto or cpu");
  }
  if (run.device == config::Device::cpu || !without.empty()) {
    if (run.tf32) {
      throw config::bad_setting(study, "run.tf32", settings, "needs a GPU, and this runs on CPUs; set it to no");
    }
    const bool some_have =
        std::any_of(reasons.begin(), reasons.end(), [](const auto& reason) { return reason.empty(); });
    if (run.device == config::Device::auto_ && some_have) {
      say(world, notice, "all ranks compute on their CPUs, because " + without);
    }
    return {};
  }
  const int index = world.node().rank() % static_cast<int>(seen.size());
  gpus->use(index);
  const auto& gpu = seen[static_cast<std::size_t>(index)];
  return {torch::Device(torch::kCUDA, static_cast<c10::DeviceIndex>(index)), gpu.name + ", " + gpus->versions(),
          gpus->shared(world.all_gather(gpu.uuid))};
}

std::unique_ptr<gather::Gatherer> make_gatherer(const mpi::Communicator& communicator, const config::Study& study,
                                                const config::Settings& settings, const Placement& placement,
                                                const GpuSupport* gpus, const Notice& notice) {
  const auto wanted = settings.run.gather;
  const bool on_gpus = !placement.device.is_cpu();
  const bool is_shared = !placement.shared.empty() && !sharing_is_allowed();
  if (wanted == config::Gather::nccl && !on_gpus) {
    throw config::bad_setting(study, "run.gather", settings,
                              "needs GPUs, and this runs on CPUs; set it to auto or mpi");
  }
  if (wanted == config::Gather::nccl && is_shared) {
    throw config::bad_setting(study, "run.gather", settings,
                              placement.shared + ", and NCCL needs one for each rank; set it to auto or mpi");
  }
  if (on_gpus && wanted != config::Gather::mpi && !is_shared) {
    return gpus->gatherer(communicator, placement.device.index(), {});
  }
  if (on_gpus && wanted == config::Gather::auto_) {
    say(communicator, notice, placement.shared + ": weights meet over MPI, not NCCL");
  }
  return gather::make_mpi_gatherer(communicator, {});
}

}  // namespace unroll::execute
