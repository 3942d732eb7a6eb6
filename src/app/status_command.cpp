// unroll status
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <iostream>
#include <thread>

#include "command_line.hpp"
#include "commands.hpp"
#include "status.hpp"
#include "unroll/base/error.hpp"
#include "unroll/base/text.hpp"
#include "unroll/base/wording.hpp"
#include "unroll/store/chunks.hpp"

namespace unroll::app {
namespace {

constexpr std::chrono::seconds kTerminalPause(2), kPlainPause(30);

/// What there is to say of a folder, and of each chunk of one that is cut.
struct Report {
  std::string text;  // or JSON
  int exit_code = kExitComplete;
  bool is_alive = false;
};

std::string nothing_yet(const std::string& folder, bool as_json) {
  return as_json ? "{\"folder\": " + json_string(folder) + ", \"attempt\": null}"
                 : folder + "\nno attempt was made yet\n";
}

Report report_one(const std::string& folder, bool as_json) {
  const auto status = read_status(folder);
  if (!status) {
    return {nothing_yet(folder, as_json), kExitIncomplete, false};
  }
  return {as_json ? status_json(*status, folder) : status_text(*status, folder, terminal_width()),
          exit_code_of(*status), status->attempt.life == store::Life::alive};
}

/// Of several: what is left to do comes first, then errors, then failed runs.
int worse(int a, int b) {
  for (const int code : {kExitIncomplete, 1, kExitFailedRuns}) {
    if (a == code || b == code) {
      return code;
    }
  }
  return kExitComplete;
}

Report report(const std::string& folder, bool as_json) {
  const auto chunks = store::find_chunks(folder);
  if (!chunks) {
    if (!std::filesystem::is_directory(folder) ||
        (store::newest_attempt(folder) == 0 && !std::filesystem::exists(folder + "/plan.txt"))) {
      throw UsageError(folder +
                       ": is no folder of results; give the --output of a study that was started with unroll run");
    }
    Report one = report_one(folder, as_json);
    one.text += as_json ? "\n" : "";
    return one;
  }
  Report all;
  for (std::int64_t index = 1; index <= chunks->count; ++index) {
    const Report one = report_one(store::chunk_folder(folder, index, chunks->count), as_json);
    all.text += (all.text.empty() ? "" : as_json ? ",\n " : "\n") + one.text;
    all.exit_code = worse(all.exit_code, one.exit_code);
    all.is_alive = all.is_alive || one.is_alive;
  }
  all.text = as_json ? "[" + all.text + "]\n" : all.text;
  return all;
}

}  // namespace

int run_status(const std::vector<std::string>& arguments) {
  const Syntax syntax{
      .command = "status", .words = {"DIR"}, .flags = {"--watch", "--exit-code", "--json"}, .values = {}};
  const Parsed parsed = parse(syntax, arguments);
  const bool is_terminal = isatty(STDOUT_FILENO) == 1, as_json = parsed.flags.contains("--json");
  Report now = report(parsed.words[0], as_json);
  while (parsed.flags.contains("--watch")) {
    std::cout << (is_terminal && !as_json ? "\x1b[H\x1b[2J" : "") + now.text << std::flush;
    if (!now.is_alive || !std::cout) {
      break;
    }
    std::this_thread::sleep_for(is_terminal ? kTerminalPause : kPlainPause);
    now = report(parsed.words[0], as_json);
  }
  if (!parsed.flags.contains("--watch")) {
    std::cout << now.text;
  }
  return parsed.flags.contains("--exit-code") ? now.exit_code : kExitComplete;
}

}  // namespace unroll::app
