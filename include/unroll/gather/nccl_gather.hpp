#pragma once
// The gather of ranks that own a GPU each. In the library unroll_gather_device, where LibTorch has CUDA.
#include "unroll/gather/gather.hpp"

namespace unroll::gather {

/// Rows lie on the device or on the host; they are exchanged between the GPUs and measured there, with bits that depend
/// on the request and the kind of device alone. Options::memory_bytes is the device's memory, beside the rows on it.
/// When NCCL or CUDA fails on a rank, all ranks give NCCL up, and this gather and those that follow go over MPI (with
/// the CPU's bits): Work::fallback says why. The communicator as in make_mpi_gatherer; `device` is this rank's own.
[[nodiscard]] std::unique_ptr<Gatherer> make_nccl_gatherer(const mpi::Communicator& communicator, int device,
                                                           const Options& options);

}  // namespace unroll::gather
