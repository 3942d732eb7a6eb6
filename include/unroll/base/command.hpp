#pragma once
// What another program says, within a time limit.
#include <optional>
#include <string>
#include <vector>

namespace unroll {

/// What a program, looked for in PATH, prints on stdout and stderr before it ends; nullopt when it cannot be started,
/// does not end within limit_s (it is killed then), or prints more than a megabyte. Started by posix_spawn: a process
/// with MPI may hold memory that a fork must not copy.
[[nodiscard]] std::optional<std::string> output_of(std::vector<std::string> words, double limit_s);

}  // namespace unroll
