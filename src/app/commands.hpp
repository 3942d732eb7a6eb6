#pragma once
// The subcommands of `unroll`. Each takes the arguments after its name and returns the exit code (DESIGN 6); user
// errors are UsageError.
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace unroll::app {

inline constexpr int kExitComplete = 0;
inline constexpr int kExitError = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitFailedRuns = 3;
inline constexpr int kExitIncomplete = 75;

struct Command {
  std::string_view name;
  std::string_view arguments;
  std::string_view summary;
  std::string_view details;  // the rest of `unroll NAME --help`
  int (*run)(const std::vector<std::string>& arguments);
};

[[nodiscard]] std::span<const Command> commands();
/// What `unroll --help` and `unroll NAME --help` print.
[[nodiscard]] std::string help();
[[nodiscard]] std::string help(const Command& command);

int run_plan(const std::vector<std::string>& arguments);
int run_keys(const std::vector<std::string>& arguments);
int run_study(const std::vector<std::string>& arguments);  // replaces this process by unroll-worker
int run_status(const std::vector<std::string>& arguments);
int run_merge(const std::vector<std::string>& arguments);
int run_retry(const std::vector<std::string>& arguments);
int run_report(const std::vector<std::string>& arguments);
int run_doctor(
    const std::vector<std::string>& arguments);  // replaces this process by unroll-worker, where there is one

/// Columns of the terminal that shows stdout, at least 80; 80 where there is none.
[[nodiscard]] std::size_t terminal_width();

}  // namespace unroll::app
