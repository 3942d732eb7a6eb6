#include "doctor_command.hpp"

#include <unistd.h>

#include <algorithm>
#include <iostream>

#include "command_line.hpp"
#include "commands.hpp"
#include "ranks.hpp"
#include "start_worker.hpp"
#include "unroll/base/error.hpp"
#include "unroll/hdf5/version.hpp"

namespace unroll::app {
namespace {

bool has_convolutions(const config::Settings& cell) {
  return cell.model.arch != config::Arch::linear && cell.model.arch != config::Arch::mlp;
}

}  // namespace

std::optional<Prepared> doctor_study(const std::vector<std::string>& arguments, ForeignFiles files) {
  const Syntax syntax{
      .command = "doctor", .words = {"STUDY.ini"}, .flags = {}, .values = {"--set"}, .num_optional_words = 1};
  const Parsed parsed = parse(syntax, arguments);
  if (parsed.words.empty() && !parsed.all("--set").empty()) {
    throw UsageError("doctor: --set replaces a key of STUDY.ini, which is not given; see unroll doctor --help");
  }
  return parsed.words.empty() ? std::nullopt
                              : std::optional(prepare(parsed.words[0], parsed.all("--set"), MemoryCheck::no, files));
}

std::optional<Needs> needs_of(const std::optional<Prepared>& prepared) {
  if (!prepared) {
    return std::nullopt;
  }
  const auto& cells = prepared->plan.cells;
  return Needs{prepared->study.file, cells.front().run.threads, prepared->plan.totals.memory_per_rank_bytes,
               std::any_of(cells.begin(), cells.end(), has_convolutions)};
}

Job new_job(const std::string& started_by, const std::string& more_programs) {
  Job job;
  job.programs = std::string("unroll ") + UNROLL_VERSION + more_programs + ", HDF5 " + hdf5::library_version();
  job.launcher = started_by;
  job.is_root = geteuid() == 0;
  return job;
}

int run_doctor(const std::vector<std::string>& arguments) {
  const auto prepared = doctor_study(arguments);
  std::vector<std::string> words = arguments;
  words.insert(words.begin(), kDoctorFlag);
  try {
    start_worker(words, prepared ? prepared->plan.cells.front().run.device : config::Device::auto_);
  } catch (const UsageError& error) {
    Job job = new_job(launcher(), "");
    job.ranks = {this_machine(launched_rank())};
    job.problems = {std::string("unroll run cannot start: ") + error.what()};
    if (launched_rank() == 0) {
      std::cout << doctor_text(job, needs_of(prepared), std::nullopt, terminal_width());
    }
  }
  return kExitComplete;
}

}  // namespace unroll::app
