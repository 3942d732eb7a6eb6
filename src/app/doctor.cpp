#include "doctor.hpp"

#include <algorithm>

#include "size_text.hpp"
#include "unroll/base/text.hpp"
#include "unroll/base/wording.hpp"

namespace unroll::app {
namespace {

constexpr std::size_t kIndent = 10;
constexpr std::size_t kMaxRanksShown = 32;

std::string item(const std::string& name, const std::string& text, std::size_t width) {
  return wrapped(text.empty() ? name : name + std::string(kIndent - name.size(), ' ') + text, width, kIndent);
}

std::string hosts_text(const Job& job, std::size_t width) {
  std::string text;
  std::set<std::string> seen;
  for (const Machine& machine : job.ranks) {
    if (!seen.insert(machine.host).second) {
      continue;
    }
    const bool has_twins = machine.num_cores < machine.num_cpus;
    text += item(
        text.empty() ? "machine" : "",
        machine.host + ": " + machine.cpu_model + ", " + counted(machine.num_cores, "core") +
            (has_twins ? " (" + counted(machine.num_cpus, "hardware thread") + ")" : "") + ", " +
            size_text(static_cast<double>(machine.memory_bytes)) + " of memory" +
            (machine.cpu_limit > 0 ? "; its control group grants the time of " + rounded(machine.cpu_limit) + " cores"
                                   : ""),
        width);
  }
  return text;
}

std::string ranks_text(const Job& job, std::int64_t threads, std::size_t width) {
  std::string text = item(
      "ranks",
      (job.launcher.empty() ? "1, started alone" : std::to_string(job.ranks.size()) + ", started by " + job.launcher) +
          (job.thread_level.empty() ? "" : "; MPI_THREAD_" + job.thread_level) + "; " + counted(threads, "thread") +
          " each (run.threads)",
      width);
  for (std::size_t i = 0; i < job.ranks.size() && i < kMaxRanksShown; ++i) {
    const Machine& machine = job.ranks[i];
    const auto on_host = std::count_if(job.ranks.begin(), job.ranks.end(),
                                       [&](const Machine& other) { return other.host == machine.host; });
    text += item("",
                 "rank " + std::to_string(machine.rank) + " on " + machine.host + ": may run on " +
                     (machine.cpus.size() == 1 ? "hardware thread " : "hardware threads ") + ranges(machine.cpus) +
                     " (" + counted(std::ssize(machine.cores), "core") + "), " +
                     size_text(static_cast<double>(machine.memory_bytes) / static_cast<double>(on_host)),
                 width);
  }
  for (std::size_t i = 0; i < job.ranks.size() && i < kMaxRanksShown; ++i) {
    for (const auto& line : job.ranks[i].gpus) {
      text += item("", "rank " + std::to_string(job.ranks[i].rank) + " sees " + line, width);
    }
  }
  return text + (job.ranks.size() > kMaxRanksShown
                     ? item("", "and " + std::to_string(job.ranks.size() - kMaxRanksShown) + " more", width)
                     : "");
}

std::string variables_text(const Job& job, std::size_t width) {
  const auto& variables = job.ranks.front().variables;
  const std::vector<std::string> texts(variables.begin(), variables.end());
  return texts.empty() ? "" : item("variables", join(texts, " "), width);
}

std::string findings_text(const std::vector<std::string>& found, std::size_t width) {
  if (found.empty()) {
    return item("wrong", "nothing was found", width);
  }
  std::string text;
  for (const std::string& finding : found) {
    text += item(text.empty() ? "wrong" : "", "- " + finding, width);
  }
  return text;
}

std::string command_text(const Job& job, const std::optional<Needs>& needs, std::int64_t ranks) {
  const std::string run = "unroll run " + (needs ? needs->study : "STUDY.ini") + " --output DIR\n";
  if (job.launcher == "srun") {
    return "srun -n " + std::to_string(ranks) + " --cpus-per-task=1 " + run;
  }
  return ranks == 1 ? run
                    : "mpirun -n " + std::to_string(ranks) + (job.is_root ? " --allow-run-as-root" : "") +
                          " --bind-to none " + run;
}

/// More threads a rank, where memory holds fewer ranks than there are cores.
std::string memory_advice(const Room& room) {
  if (room.by_memory == 0 || room.by_memory >= room.by_cores) {
    return "";
  }
  return " The memory of " + room.host + " holds " + counted(room.by_memory, "rank") +
         " of this study, fewer than its " + counted(room.by_cores, "core") +
         ": set run.threads = " + std::to_string(room.by_cores / room.by_memory) +
         " for resnet18 and vgg19 (a study of its own: threads change bits), or run.lanes lower.";
}

std::string timing_text(const Timing& timing) {
  const bool ranks_win = timing.steps_of_ranks >= timing.steps_of_threads;
  const std::string n = std::to_string(timing.num_cores);
  return "measured now, " + timing.model + ": " + rounded(timing.steps_of_ranks) + " steps a second with " + n +
         " models of 1 thread at once, " + rounded(timing.steps_of_threads) + " with one model of " + n + " threads. " +
         (ranks_win ? "So one thread a rank (run.threads = 1)."
                    : "So threads: run.threads = " + n + " and one rank a machine.");
}

std::string convolution_text(const std::optional<Needs>& needs, const std::optional<Timing>& timing) {
  const std::string rule =
      "resnet18, vgg19: one rank a core, one thread too, while there are trees for all ranks and memory for their "
      "packs: "
      "ranks share nothing, threads wait for each other in every layer. ";
  if (timing) {
    return rule + timing_text(*timing);
  }
  return rule + (needs && needs->has_convolutions ? "To have it measured here, start unroll doctor STUDY.ini alone, on "
                                                    "two cores or more."
                                                  : "unroll doctor STUDY.ini with such a study measures it here.");
}

}  // namespace

std::string doctor_text(const Job& job, const std::optional<Needs>& needs, const std::optional<Timing>& timing,
                        std::size_t width) {
  std::string text = item("programs", job.programs, width) + hosts_text(job, width) +
                     ranks_text(job, needs ? needs->threads : 1, width) + variables_text(job, width) +
                     findings_text(findings(job, needs), width);
  std::int64_t ranks = 0;
  std::string memory;
  for (const Room& room : rooms(job, needs)) {
    ranks += room.ranks();
    memory += memory_advice(room);
  }
  text += item("advice",
               "linear, mlp: one rank a core, one thread (their batches are too small to divide): " +
                   counted(ranks, "rank") + " here." + memory,
               width);
  text += item("", convolution_text(needs, timing), width);
  return text + item("start", "", width) + command_text(job, needs, ranks);
}

}  // namespace unroll::app
