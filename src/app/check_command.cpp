#include <algorithm>
#include <filesystem>
#include <iostream>
#include <optional>

#include "command_line.hpp"
#include "commands.hpp"
#include "file_commands.hpp"
#include "merge_chunks.hpp"
#include "unroll/app/prepare.hpp"
#include "unroll/base/error.hpp"
#include "unroll/base/wording.hpp"
#include "unroll/store/check.hpp"
#include "unroll/store/chunks.hpp"

namespace unroll::app {
namespace {

using store::Finding;
using store::Severity;

// The plan, or what keeps it from being made.
std::vector<Finding> check_folder(const std::string& folder) {
  std::optional<Prepared> prepared;
  std::vector<Finding> findings;
  try {
    const auto chunks = store::find_chunks(folder);
    prepared = prepare_saved(chunks ? folder_of_study(folder, *chunks) : folder);
  } catch (const UsageError& error) {
    findings.push_back({Severity::problem, std::string(error.what()) + " (so runs cannot be counted)"});
  }
  const auto more = store::check_folder(folder, prepared ? &prepared->plan : nullptr);
  findings.insert(findings.end(), more.begin(), more.end());
  return findings;
}

std::int64_t count(const std::vector<Finding>& findings, Severity severity) {
  return std::count_if(findings.begin(), findings.end(), [&](const auto& one) { return one.severity == severity; });
}

}  // namespace

int run_check(const std::vector<std::string>& arguments) {
  const Syntax syntax{.command = "check", .words = {"PATH"}, .flags = {}, .values = {}};
  const std::string path = parse(syntax, arguments).words[0];
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    throw UsageError(path + ": is not there; give a results.h5, a telemetry.h5, or the --output of a study");
  }
  const auto findings = std::filesystem::is_directory(path, error) ? check_folder(path) : store::check_file(path);
  for (const Finding& finding : findings) {
    constexpr const char* kNames[] = {"note: ", "unfinished: ", "problem: "};
    std::cout << kNames[static_cast<std::size_t>(finding.severity)] << finding.text << '\n';
  }
  const std::int64_t num_problems = count(findings, Severity::problem);
  const bool is_unfinished = count(findings, Severity::unfinished) > 0;
  std::cout << path << ": "
            << (num_problems > 0 ? counted(num_problems, "problem")
                : is_unfinished  ? "nothing wrong, but not finished"
                                 : "nothing wrong")
            << '\n';
  return num_problems > 0 ? kExitFailedRuns : is_unfinished ? kExitIncomplete : kExitComplete;
}

}  // namespace unroll::app
