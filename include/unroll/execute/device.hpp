#pragma once
// Where a rank computes, and how the weights of comparison groups meet. What only a program with CUDA can do comes in
// through GpuSupport, so that unroll-worker, which has none, loads nothing of CUDA (450 MB).
#include <torch/types.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "unroll/config/study.hpp"
#include "unroll/gather/gather.hpp"
#include "unroll/mpi/mpi.hpp"

namespace unroll::execute {

struct Gpu {
  std::string name;
  std::string uuid;  // one a device, whatever processes see of it
};

class GpuSupport {
 public:
  virtual ~GpuSupport() = default;
  /// Visible to this process (CUDA_VISIBLE_DEVICES and Slurm's binding are obeyed).
  [[nodiscard]] virtual std::vector<Gpu> gpus() const = 0;
  /// Of driver, runtime and libraries: part of the numerics key.
  [[nodiscard]] virtual std::string versions() const = 0;
  /// Makes it LibTorch's and this thread's.
  virtual void use(int index) const = 0;
  /// "ranks 0 and 1 share GPU-..." or "".
  [[nodiscard]] virtual std::string shared(const std::vector<std::string>& uuid_of_rank) const = 0;
  [[nodiscard]] virtual std::unique_ptr<gather::Gatherer> gatherer(const mpi::Communicator& communicator, int index,
                                                                   const gather::Options& options) const = 0;
};

/// A line that the user should see.
using Notice = std::function<void(const std::string& line)>;

struct Placement {
  torch::Device device = torch::kCPU;
  std::string numerics;  // "" on CPUs
  std::string shared;    // which ranks share a GPU; "" for none
};

/// Collective. run.device: the GPUs that ranks of a node see are taken in turn. With auto and a rank that sees none,
/// all ranks take their CPUs (one notice, if others have one). gpus is nullptr in a program without CUDA. UsageError on
/// every rank: cuda is asked for and a rank sees none; TF32 is asked for without GPUs.
[[nodiscard]] Placement place(const mpi::Communicator& world, const config::Study& study,
                              const config::Settings& settings, const GpuSupport* gpus, const Notice& notice);

/// Collective. run.gather: auto takes NCCL where each rank has a GPU of its own, else MPI (one notice where ranks share
/// one). UsageError on every rank: nccl is asked for and cannot be. UNROLL_SHARED_GPU=1 lets ranks share a GPU (tests,
/// each rank with an NCCL_HOSTID of its own).
[[nodiscard]] std::unique_ptr<gather::Gatherer> make_gatherer(const mpi::Communicator& communicator,
                                                              const config::Study& study,
                                                              const config::Settings& settings,
                                                              const Placement& placement, const GpuSupport* gpus,
                                                              const Notice& notice);

}  // namespace unroll::execute
