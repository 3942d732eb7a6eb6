#pragma once
// What the launcher (mpirun, srun) says of this process before MPI is initialised.
namespace unroll::app {

/// 0 when there is no launcher.
[[nodiscard]] int launched_rank();
/// Ranks on this machine, at least 1.
[[nodiscard]] int ranks_on_node();

}  // namespace unroll::app
