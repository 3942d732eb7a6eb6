#pragma once
// Where a rank computes: run.device as a LibTorch device. LibTorch's CUDA library (450 MB) is loaded only where there
// is a driver that could use it.
#include <torch/types.h>

#include <string>

#include "unroll/config/settings.hpp"
#include "unroll/mpi/mpi.hpp"

namespace unroll::execute {

struct Gpus {
  int count = 0;
  std::string why_none;  // "" where there is one
};
/// Of this process. The first call loads LibTorch's CUDA library where there is a driver; it must come before LibTorch
/// is asked anything about CUDA.
[[nodiscard]] Gpus visible_gpus();

/// Collective. The GPU of this rank, by its number on its node modulo the GPUs it sees (CUDA_VISIBLE_DEVICES and
/// Slurm's binding are obeyed), made current; or the CPU: for run.device = cpu, and for auto where a rank sees no GPU.
/// UsageError on every rank: run.device = cuda and some rank sees none, or auto and only some ranks do.
[[nodiscard]] torch::Device choose_device(const mpi::Communicator& world, config::Device wanted);

/// "NVIDIA H100 80GB HBM3, compute 9.0, driver 13000" as part of the numerics key; "cpu" for the CPU.
[[nodiscard]] std::string device_text(torch::Device device);

}  // namespace unroll::execute
