#pragma once
// What ranks do together so that an error or a stop of one becomes that of all.
#include <functional>
#include <string>

#include "unroll/execute/stop.hpp"
#include "unroll/mpi/mpi.hpp"

namespace unroll::execute {

/// Collective. Runs the action on rank 0 and gives every rank its result; its UsageError is thrown on every rank.
[[nodiscard]] std::string on_first_rank(const mpi::Communicator& world, const std::function<std::string()>& action);

/// Collective. Runs the check on every rank; a UsageError of any is thrown on all.
void on_every_rank(const mpi::Communicator& world, const std::function<void()>& check);

/// Collective. Whether any rank wants to stop; then all do, for the reason of the first of them.
[[nodiscard]] bool is_any_stopped(const mpi::Communicator& world, StopSource& stop);

}  // namespace unroll::execute
