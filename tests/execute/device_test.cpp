// Which device ranks take and how their weights meet, with GPUs that are only pretended: under mpirun, any ranks.
#include "unroll/execute/device.hpp"

#include <cstdlib>

#include "support/catch.hpp"
#include "unroll/base/error.hpp"

using namespace unroll;
using namespace unroll::execute;

namespace {

class Pretended final : public GpuSupport {
 public:
  explicit Pretended(std::vector<Gpu> gpus) : gpus_(std::move(gpus)) {}
  [[nodiscard]] std::vector<Gpu> gpus() const override { return gpus_; }
  [[nodiscard]] std::string versions() const override { return "versions"; }
  void use(int index) const override { used = index; }
  [[nodiscard]] std::string shared(const std::vector<std::string>& uuids) const override {
    return uuids.size() > 1 && uuids[0] == uuids[1] ? "ranks 0 and 1 share " + uuids[0] : "";
  }
  [[nodiscard]] std::unique_ptr<gather::Gatherer> gatherer(const mpi::Communicator&, int index,
                                                           const gather::Options& options) const override {
    gathers_on = index;
    return gather::make_local_gatherer(options);
  }
  mutable int used = -1, gathers_on = -1;

 private:
  std::vector<Gpu> gpus_;
};

std::vector<Gpu> some(int count) {
  std::vector<Gpu> gpus;
  for (int i = 0; i < count; ++i) {
    gpus.push_back({"A GPU", "GPU-" + std::to_string(i)});
  }
  return gpus;
}

config::Study study_of(config::Settings& settings) {
  config::Study study{"study", "study.ini", {0}, {}, {}, {}};
  study.cells = {settings};
  return study;
}

struct Asked {
  config::Settings settings;
  std::vector<std::string> notices;

  explicit Asked(config::Device device, config::Gather gather = config::Gather::auto_) {
    settings.run.device = device;
    settings.run.gather = gather;
  }
  Placement placed(const mpi::Communicator& world, const GpuSupport* gpus) {
    return place(world, study_of(settings), settings, gpus, [&](const std::string& line) { notices.push_back(line); });
  }
  std::unique_ptr<gather::Gatherer> gatherer(const mpi::Communicator& world, const Placement& placement,
                                             const GpuSupport* gpus) {
    return make_gatherer(world, study_of(settings), settings, placement, gpus,
                         [&](const std::string& line) { notices.push_back(line); });
  }
};

std::size_t on_rank_0(const mpi::Communicator& world, std::size_t count) { return world.rank() == 0 ? count : 0; }

}  // namespace

TEST_CASE("Without GPUs auto takes the CPU in silence, and cuda, TF32 and nccl are refused in one line") {
  const auto world = mpi::Communicator::world();
  const Pretended none({});
  for (const GpuSupport* gpus : {static_cast<const GpuSupport*>(nullptr), static_cast<const GpuSupport*>(&none)}) {
    Asked anything(config::Device::auto_), insists(config::Device::cuda), tf32(config::Device::auto_),
        nccl(config::Device::auto_, config::Gather::nccl);
    CHECK(anything.placed(world, gpus).device.is_cpu());
    CHECK(anything.notices.empty());
    CHECK_THROWS_WITH(insists.placed(world, gpus), Catch::Contains("run.device = cuda") &&
                                                       Catch::Contains("rank 0 sees no GPU") &&
                                                       Catch::Contains("auto or cpu"));
    tf32.settings.run.tf32 = true;
    CHECK_THROWS_WITH(tf32.placed(world, gpus), Catch::Contains("run.tf32 = yes") && Catch::Contains("needs a GPU"));
    CHECK_THROWS_WITH(nccl.gatherer(world, nccl.placed(world, gpus), gpus), Catch::Contains("run.gather = nccl"));
  }
}

TEST_CASE("Ranks of a node take their GPUs in turn") {
  const auto world = mpi::Communicator::world();
  const Pretended gpus(some(2));
  Asked anything(config::Device::auto_);
  const auto placement = anything.placed(world, &gpus);
  CHECK(placement.device == torch::Device(torch::kCUDA, static_cast<c10::DeviceIndex>(world.rank() % 2)));
  CHECK(gpus.used == world.rank() % 2);
  CHECK(placement.numerics == "A GPU, versions");
  Asked cpu(config::Device::cpu);
  CHECK(cpu.placed(world, &gpus).device.is_cpu());
}

TEST_CASE("Where some ranks see no GPU, auto takes CPUs everywhere and says so once, and cuda is refused everywhere") {
  const auto world = mpi::Communicator::world();
  const Pretended gpus(some(world.rank() == world.size() - 1 ? 0 : 1));
  Asked anything(config::Device::auto_), insists(config::Device::cuda);
  CHECK(anything.placed(world, &gpus).device.is_cpu());
  CHECK(anything.notices.size() == (world.size() > 1 ? on_rank_0(world, 1) : 0));
  CHECK_THROWS_WITH(insists.placed(world, &gpus),
                    Catch::Contains("rank " + std::to_string(world.size() - 1) + " sees no GPU"));
}

TEST_CASE("Ranks that share a GPU meet over MPI with a notice, or are refused, or share it where a test says so") {
  const auto world = mpi::Communicator::world();
  const Pretended gpus(some(1));
  const bool shares = world.size() > 1;
  Asked anything(config::Device::auto_), over_mpi(config::Device::auto_, config::Gather::mpi),
      nccl(config::Device::cuda, config::Gather::nccl);
  const auto placement = anything.placed(world, &gpus);
  CHECK(placement.shared.empty() == !shares);
  (void)anything.gatherer(world, placement, &gpus);
  CHECK(gpus.gathers_on == (shares ? -1 : 0));
  CHECK(anything.notices.size() == (shares ? on_rank_0(world, 1) : 0));
  gpus.gathers_on = -1;
  (void)over_mpi.gatherer(world, placement, &gpus);
  CHECK(gpus.gathers_on == -1);
  CHECK(over_mpi.notices.empty());
  if (shares) {
    CHECK_THROWS_WITH(nccl.gatherer(world, placement, &gpus), Catch::Contains("ranks 0 and 1 share GPU-0"));
  }
  setenv("UNROLL_SHARED_GPU", "1", 1);
  (void)nccl.gatherer(world, placement, &gpus);
  unsetenv("UNROLL_SHARED_GPU");
  CHECK(gpus.gathers_on == 0);
}
