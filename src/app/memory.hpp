#pragma once
// How much memory one rank may use on this machine.
#include <cstdint>

namespace unroll::app {

/// The smaller of the machine's memory and the control group's limit.
[[nodiscard]] std::int64_t node_memory_bytes();

/// That, divided by the ranks that share the node (as mpirun or srun say in the environment; else one).
[[nodiscard]] std::int64_t memory_per_rank_bytes();

}  // namespace unroll::app
