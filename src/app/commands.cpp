#include "commands.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <iostream>

#include "chunk_option.hpp"
#include "command_line.hpp"
#include "extend.hpp"
#include "file_commands.hpp"
#include "keys_text.hpp"
#include "merge_chunks.hpp"
#include "submit_command.hpp"
#include "unroll/app/prepare.hpp"
#include "unroll/base/error.hpp"
#include "unroll/base/wording.hpp"
#include "unroll/store/check.hpp"
#include "unroll/store/chunks.hpp"
#include "unroll/store/report.hpp"
#include "unroll/store/store.hpp"

namespace unroll::app {
namespace {

constexpr std::array<Command, 11> kCommands{{
    {"plan", "STUDY.ini [--set KEY=VALUE]... [--chunk I/N] [--json | --extend DIR]",
     "show what would run: counts, sharing, cost, memory, disk",
     "Needs no MPI, GPU or LibTorch, and writes nothing.\n\n"
     "  --set KEY=VALUE   replaces a key of the file, for example --set train.lr=0.01,0.1 (repeatable)\n"
     "  --chunk I/N       the share of one chunk too, as unroll run --chunk would take it\n"
     "  --json            the same as JSON\n"
     "  --extend DIR      what the study adds to the results in DIR (unroll run --extend)\n",
     run_plan},
    {"keys", "", "list the keys of a study with their defaults and ranges", "", run_keys},
    {"run",
     "STUDY.ini --output DIR [--set KEY=VALUE]... [--chunk I/N] [--extend] [--stop-after TIME]\n"
     "                  [--fail-fast | --max-fails N] [--max-attempts N] [--cache FOLDER [--cache-limit SIZE]]",
     "run the study, alone or under mpirun or srun",
     "Checks the study, its data and DIR, then trains, measures and writes DIR/results.h5 and DIR/telemetry.h5.\n"
     "Running it again with the same study and DIR resumes: what is finished is not done again. So a run may be ended\n"
     "at any time (Ctrl-C, a time limit, a crash).\n\n"
     "SIGUSR2, SIGTERM or SIGINT (Ctrl-C) on any rank stops all between two steps, writes the results so far and ends\n"
     "with 75; a second SIGINT ends at once. mpirun hands SIGUSR2 on; at SIGTERM and SIGINT it waits for two seconds "
     "and\n"
     "ends with 1, so a job script sends SIGUSR2. In a Slurm job the job's end is asked for at the start (squeue), and "
     "no\n"
     "work is begun that would not be done by then.\n\n"
     "  --output DIR      folder of the results (made if it is not there)\n"
     "  --set KEY=VALUE   replaces a key of the file (repeatable)\n"
     "  --chunk I/N       computes the I-th of N parts of the study, cut between trees and of about equal cost, in\n"
     "                    DIR/chunks/I-of-N: jobs of their own, on any machines of one kind, in any order, resumed by\n"
     "                    themselves; unroll merge DIR joins them to what the uncut study leaves. Weights and logits\n"
     "                    that were asked for stay in the chunks' folders. DIR takes chunks of one N and no uncut "
     "study\n"
     "  --extend          the study may be another than the one in DIR, if it has all runs of that one: seeds and "
     "values\n"
     "                    may be added. Only what is new is computed; unroll plan STUDY.ini --extend DIR shows it\n"
     "  --stop-after TIME   begins no work that would not be done by then, and ends in time: 90 (seconds), 30m, "
     "8:00:00,\n"
     "                    1-12:00:00\n"
     "  --max-fails N     gives no more work out when N items have failed; without it the others go on\n"
     "  --fail-fast       the same as --max-fails 1\n"
     "  --max-attempts N  a run that has failed N times (3) is not tried again; see unroll retry\n"
     "  --cache FOLDER    keeps finished pretrainings there, and starts from those that are there: those of other\n"
     "                    studies, and of other jobs at the same time; changes no result\n"
     "  --cache-limit SIZE  size of that folder (20G); the least recently used make room\n\n"
     "A rank trains on run.threads cores (1): mpirun -n 16 --bind-to none unroll run ... fills 16 cores.\n"
     "LibTorch is looked for in UNROLL_TORCH, beside python3, and where the build found it.\n"
     "Exit codes: 0 complete, 2 wrong use or study, 3 some runs failed, 75 incomplete (run it again).\n"
     "A disk that is full or fails is waited for (UNROLL_DISK_PATIENCE_S, 120 seconds); then the study stops with 75.\n"
     "An item that fails (memory, a library's error) is tried again in smaller packs; then its runs are rows of /runs\n"
     "with the status failed and the reason, and the others go on.\n",
     run_study},
    {"status", "DIR [--watch] [--exit-code] [--json]", "show what happens in DIR, from another shell",
     "Needs no MPI and changes nothing: who works there and whether he lives, what is done, failed and left, the rate\n"
     "and the time to go with its spread (two standard errors), and what each rank does since when. It reads what "
     "ranks\n"
     "note in DIR/attempts; over a network file system that may come half a minute late.\n\n"
     "  --watch           again and again until nobody is at work: every 2 s on a terminal, every 30 s elsewhere\n"
     "  --exit-code       end with the code of the last outcome: 0 complete, 3 some runs failed, 75 incomplete, at "
     "work,\n"
     "                    or died without a word (run it again), 1 an error\n"
     "  --json            the same as JSON; of a study in chunks, a list\n",
     run_status},
    {"merge", "DIR", "write DIR/results.h5 again from what is finished in DIR, or in its chunks",
     "Start it where the study was started if the study names its files by relative paths.\n"
     "Exit codes: 0 complete, 2 wrong use, 3 some runs failed, 75 some runs are missing.\n",
     run_merge},
    {"retry", "DIR", "take runs that failed again, at the next unroll run",
     "A run that failed is tried again by every unroll run until it has failed --max-attempts times (3). Then it "
     "stays\n"
     "failed, until unroll retry forgets what failed so far. Call it while no unroll run works in DIR.\n",
     run_retry},
    {"report", "FILE|DIR", "print the tables of a results.h5, or of DIR/results.h5", "", run_report},
    {"check", "PATH", "look for damage in a results file or folder, and count what is there", kCheckDetails, run_check},
    {"export", "FILE --format csv|jsonl [--table NAME] [--output FILE]", "write a table of a results.h5 as text",
     kExportDetails, run_export},
    {"submit", kSubmitArguments, "run a study as a Slurm job of the right size", kSubmitDetails, run_submit},
    {"doctor", "[STUDY.ini [--set KEY=VALUE]...]", "say what each rank may use, what is wrong, and how many to start",
     "Start it as unroll run would be started (alone, under mpirun or srun): it says what every rank sees. With "
     "STUDY.ini\n"
     "it counts that study's memory and threads, and, started alone, measures how a convolutional net is trained "
     "faster.\n",
     run_doctor},
}};

constexpr std::size_t kMinWidth = 80;

}  // namespace

std::size_t terminal_width() {
  winsize size{};
  const bool is_known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0;
  return is_known ? std::max<std::size_t>(size.ws_col, kMinWidth) : kMinWidth;
}

std::span<const Command> commands() { return kCommands; }

std::string help() {
  std::string text =
      "unroll: how far is an unlearned model from a retrained one, measured at scale.\n\nusage: unroll COMMAND ...\n\n";
  for (const Command& command : kCommands) {
    text += "  " + std::string(command.name) + std::string(8 - command.name.size(), ' ') +
            std::string(command.summary) + "\n";
  }
  return text +
         "\nunroll COMMAND --help says more of each; unroll --version names this build. A first study:\n\n"
         "  unroll plan configs/quickstart.ini\n"
         "  mpirun -n 2 unroll run configs/quickstart.ini --output results/quickstart\n"
         "  unroll report results/quickstart\n";
}

std::string help(const Command& command) {
  return "usage: unroll " + std::string(command.name) + " " + std::string(command.arguments) + "\n\nTo " +
         std::string(command.summary) + ".\n" + (command.details.empty() ? "" : "\n") + std::string(command.details);
}

int run_plan(const std::vector<std::string>& arguments) {
  const Syntax syntax{
      .command = "plan", .words = {"STUDY.ini"}, .flags = {"--json"}, .values = {"--set", "--chunk", "--extend"}};
  const Parsed parsed = parse(syntax, arguments);
  const Prepared prepared = prepare(parsed.words[0], parsed.all("--set"), MemoryCheck::no);
  std::optional<plan::ChunkShare> share;
  if (!parsed.all("--chunk").empty()) {
    share = plan::share_of(prepared.plan, parse_chunk(parsed.one(syntax, "--chunk")));
  }
  const bool is_extended = !parsed.all("--extend").empty();
  if (is_extended && parsed.flags.contains("--json")) {
    throw UsageError("plan: --extend is shown as text only; leave out --json");
  }
  const auto added = is_extended ? check_extension(parsed.one(syntax, "--extend"), prepared) : std::nullopt;
  std::cout << (parsed.flags.contains("--json") ? plan::plan_json(prepared.study, prepared.plan, share)
                                                : plan::describe_plan(prepared.study, prepared.plan, share));
  if (is_extended) {
    std::cout << wrapped("extends     " + (added ? describe(*added, prepared.plan) : "nothing is added"),
                         terminal_width(), 12);
  }
  return kExitComplete;
}

int run_keys(const std::vector<std::string>& arguments) {
  const Syntax syntax{.command = "keys", .words = {}, .flags = {}, .values = {}};
  (void)parse(syntax, arguments);
  std::cout << keys_text();
  return kExitComplete;
}

int run_merge(const std::vector<std::string>& arguments) {
  const Syntax syntax{.command = "merge", .words = {"DIR"}, .flags = {}, .values = {}};
  const std::string folder = parse(syntax, arguments).words[0];
  if (const auto chunks = store::find_chunks(folder)) {
    return merge_chunks(folder, *chunks);
  }
  const Prepared prepared = prepare_saved(folder);
  store::walk_shards(folder);
  const store::MergeSummary summary = store::merge(folder, prepared.study, prepared.plan);
  tell_damage(summary);
  std::cout << folder << "/results.h5: " << counted(summary.num_runs, "run") << ", "
            << counted(summary.num_pairs, "row") << "; " << summary.num_missing_runs << " missing, "
            << summary.num_failed_runs << " failed\n";
  return summary.num_missing_runs > 0 ? kExitIncomplete : summary.num_failed_runs > 0 ? kExitFailedRuns : kExitComplete;
}

int run_report(const std::vector<std::string>& arguments) {
  const Syntax syntax{.command = "report", .words = {"FILE|DIR"}, .flags = {}, .values = {}};
  const std::string given = parse(syntax, arguments).words[0];
  const std::string path = std::filesystem::is_directory(given) ? given + "/results.h5" : given;
  if (!std::filesystem::exists(path)) {
    throw UsageError(path + ": is not there; give a results.h5, or the --output of a study");
  }
  std::cout << store::report(path, terminal_width());
  return kExitComplete;
}

}  // namespace unroll::app
