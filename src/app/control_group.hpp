#pragma once
// Limits that the system sets a group of processes (containers, Slurm jobs); both versions, limits of parents count.
#include <cstdint>
#include <string>

namespace unroll::app {

/// The memory limit, read below a root folder ("" on a real machine); 0: none.
[[nodiscard]] std::int64_t control_group_limit_bytes(const std::string& root);

/// Cores' worth of time that the group may use; 0: no limit.
[[nodiscard]] double control_group_cpus(const std::string& root);

}  // namespace unroll::app
