#pragma once
#include <string>
#include <vector>

#include "unroll/mpi/mpi.hpp"

namespace unroll::app {

/// Collective. `unroll doctor` with what only unroll-worker sees: LibTorch, MPI, and what every rank may use. Rank 0
/// prints. started_by: launcher(), asked before MPI was initialised (a lone process looks launched after). A UsageError
/// leaves it on every rank or on none. Returns the exit code.
[[nodiscard]] int doctor(const mpi::Communicator& world, mpi::ThreadLevel provided, const std::string& started_by,
                         const std::vector<std::string>& arguments);

}  // namespace unroll::app
