#pragma once
// What the launcher (mpirun, srun) says of this process before MPI is initialised.
#include <string>

namespace unroll::app {

/// 0 when there is no launcher.
[[nodiscard]] int launched_rank();
/// Ranks on this machine, at least 1.
[[nodiscard]] int ranks_on_node();
/// "mpirun", "srun", or "" for a process that was started alone.
[[nodiscard]] std::string launcher();

}  // namespace unroll::app
