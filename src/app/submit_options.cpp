#include <algorithm>
#include <array>
#include <cmath>

#include "command_line.hpp"
#include "duration.hpp"
#include "submit.hpp"
#include "unroll/base/error.hpp"
#include "unroll/base/text.hpp"

namespace unroll::app {
namespace {

constexpr std::int64_t kMostNodes = 100'000, kMostRanks = 4096, kMostChunks = 100'000;
constexpr double kShortest_s = 300;  // Slurm counts minutes, and warns up to one too early

const Syntax kSyntax{
    .command = "submit",
    .words = {"STUDY.ini"},
    .flags = {"--dry-run", "--preemptible"},
    .values = {"--set", "--output", "--nodes", "--ranks-per-node", "--time", "--launcher", "--chunks", "--site"}};

struct Ours {
  std::string_view name;
  std::string_view instead;
};
/// What submit itself tells sbatch.
constexpr std::array kOurs{
    Ours{"nodes", "give --nodes N before the --"},
    Ours{"N", "give --nodes N before the --"},
    Ours{"ntasks", "give --ranks-per-node N before the --"},
    Ours{"n", "give --ranks-per-node N before the --"},
    Ours{"ntasks-per-node", "give --ranks-per-node N before the --"},
    Ours{"cpus-per-task", "set run.threads"},
    Ours{"c", "set run.threads"},
    Ours{"mem-per-cpu", "it comes from the plan"},
    Ours{"mem", "it comes from the plan"},
    Ours{"time", "give --time T before the --"},
    Ours{"t", "give --time T before the --"},
    Ours{"array", "give --chunks N before the --"},
    Ours{"a", "give --chunks N before the --"},
    Ours{"signal", "it comes from --time"},
    Ours{"requeue", "jobs/slurm.sh decides that"},
    Ours{"no-requeue", "jobs/slurm.sh decides that"},
    Ours{"open-mode", "the log is always appended to"},
    Ours{"output", "the log is in the folder of --output"},
    Ours{"o", "the log is in the folder of --output"},
    Ours{"wrap", "the script is unroll's own"},
};

UsageError bad(const std::string& option, const std::string& value, const std::string& rule) {
  return UsageError(option + " = " + printable(value) + ": " + rule);
}

std::optional<std::int64_t> count(const Parsed& parsed, std::string_view option, std::int64_t most) {
  if (parsed.all(option).empty()) {
    return std::nullopt;
  }
  const std::string text = parsed.one(kSyntax, option);
  const auto value = parse_integer(text);
  if (!value || *value < 1 || *value > most) {
    throw bad(std::string(option), text, "must be a whole number from 1 to " + std::to_string(most));
  }
  return value;
}

std::string text_of(const Parsed& parsed, std::string_view option) {
  if (parsed.all(option).empty()) {
    return "";
  }
  const std::string text = parsed.one(kSyntax, option);
  if (text.empty()) {
    throw bad(std::string(option), text, "is empty");
  }
  check_plain(std::string(option), text);
  return text;
}

/// "--account=x", "--exclusive", "-Ax". A word of its own would be taken for the script.
void check_sbatch_argument(const std::string& word) {
  check_plain("submit: argument for sbatch", word);
  const std::size_t dashes = word.starts_with("--") ? 2 : word.starts_with("-") ? 1 : 0;
  const std::string name = dashes == 1 ? word.substr(1, 1) : word.substr(dashes, word.find('=') - dashes);
  const bool is_name = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  });
  if (dashes == 0 || !is_name || name.front() == '-') {
    throw bad("submit: argument for sbatch", word, "must be an option in one word, such as --account=project");
  }
  for (const Ours& ours : kOurs) {
    const bool is_wrap = ours.name == "wrap" && dashes == 2 && ours.name.starts_with(name);
    if (is_wrap || (ours.name == name && (ours.name.size() == 1) == (dashes == 1))) {
      throw bad("submit: argument for sbatch", word, "is set by submit: " + std::string(ours.instead));
    }
  }
}

}  // namespace

void check_plain(const std::string& name, std::string_view value) {
  const bool has_bad = std::any_of(value.begin(), value.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f || c == '\'' || c == '"' || c == '`' || c == '\\';
  });
  if (has_bad || !is_utf8(value)) {
    throw bad(name, std::string(value), "must be one line of text without quotes and backslashes");
  }
}

Submission parse_submission(const std::vector<std::string>& arguments) {
  const auto dashes = std::find(arguments.begin(), arguments.end(), "--");
  const Parsed parsed = parse(kSyntax, {arguments.begin(), dashes});
  Submission asked;
  asked.study = parsed.words[0];
  check_plain("STUDY.ini", asked.study);
  asked.sets = parsed.all("--set");
  for (const std::string& set : asked.sets) {
    check_plain("--set", set);
  }
  asked.output = text_of(parsed, "--output");
  asked.nodes = count(parsed, "--nodes", kMostNodes).value_or(1);
  asked.ranks_per_node = count(parsed, "--ranks-per-node", kMostRanks);
  asked.chunks = count(parsed, "--chunks", kMostChunks).value_or(1);
  asked.is_preemptible = parsed.flags.contains("--preemptible");
  asked.is_dry_run = parsed.flags.contains("--dry-run");
  asked.site = text_of(parsed, "--site");
  asked.launcher = text_of(parsed, "--launcher");
  if (!asked.launcher.empty() && asked.launcher != "mpirun" && asked.launcher != "srun") {
    throw bad("--launcher", asked.launcher, "must be mpirun or srun");
  }
  if (asked.is_preemptible && asked.chunks > 1) {
    throw UsageError("submit: --chunks and --preemptible: leave out one; chunks go on after a preemption too");
  }
  if (!parsed.all("--time").empty()) {
    const std::string time = parsed.one(kSyntax, "--time");
    asked.time_s = parse_duration("--time", time);
    if (*asked.time_s < kShortest_s) {
      throw bad("--time", time, "must be 5m or more: Slurm counts in minutes, and the job needs some to stop in order");
    }
  }
  if (dashes != arguments.end()) {
    asked.sbatch_args.assign(dashes + 1, arguments.end());
    std::for_each(asked.sbatch_args.begin(), asked.sbatch_args.end(), check_sbatch_argument);
  }
  return asked;
}

}  // namespace unroll::app
