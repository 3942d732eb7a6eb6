#pragma once
#include <string>
#include <string_view>

namespace unroll::app {

/// Says on stderr, in one line, why the program ends. Under mpirun or srun rank 0 speaks first: another rank waits a
/// moment, in which mpirun ends it if rank 0 failed too, and then gives its number with its reason.
void say_failure(const std::string& reason);

/// Says in one line on stderr what a user should know, and the study goes on.
void say_notice(const std::string& line, int rank);

/// The first line of a message: LibTorch's errors go on with a backtrace.
[[nodiscard]] std::string first_line(std::string_view message);

}  // namespace unroll::app
