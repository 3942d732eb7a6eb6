#pragma once
// How much memory one rank may use on this machine.
#include <cstdint>
#include <string>

namespace unroll::app {

/// The smaller of the machine's memory and the control group's limit (both versions; parents count), divided by the
/// ranks that share the node (as mpirun or srun say in the environment; else one).
[[nodiscard]] std::int64_t memory_per_rank_bytes();

/// The control group's limit, read below a root folder ("/" on a real machine); 0: none.
[[nodiscard]] std::int64_t control_group_limit_bytes(const std::string& root);

}  // namespace unroll::app
