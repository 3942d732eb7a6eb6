#pragma once
// Work on what may be hostile, done first by a child process: whatever happens there (a library that crashes, a loop
// or an allocation without end), this process only learns of it. The child can write no file, leaves no core, prints
// nothing and dies with this process. For processes with one thread, and before MPI is initialised: MPI forbids forks.
#include <cstdint>
#include <functional>
#include <string>

namespace unroll {

struct ChildLimits {
  double wall_s = 60;                                   // of processor time too
  std::uint64_t memory_bytes = std::uint64_t{2} << 30;  // address space beyond what this process has
};

/// What a child may take to read a file, or all files of a folder: a minute and 2 GiB, and more for large ones (10 MB
/// a second, 8 times their size).
[[nodiscard]] ChildLimits limits_for(const std::string& path);

/// What `work` returns in the child; Error and UsageError that it throws are thrown here. UsageError "NAME: damaged
/// file: ..." when it crashes, runs out of memory or takes too long. Error when no child can be started.
[[nodiscard]] std::string in_child(const std::string& name, const ChildLimits& limits,
                                   const std::function<std::string()>& work);

}  // namespace unroll
