#pragma once
#include <string>

namespace unroll::app {

/// Says on stderr, in one line, why the program ends. Under mpirun or srun rank 0 speaks first: another rank waits a
/// moment, in which mpirun ends it if rank 0 failed too, and then gives its number with its reason.
void say_failure(const std::string& reason);

}  // namespace unroll::app
