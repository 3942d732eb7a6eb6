// unroll-worker: what `unroll run` and `unroll doctor` become on every rank, once all that needs no LibTorch was
// checked.
#include <cstdlib>
#include <exception>
#include <functional>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "commands.hpp"
#include "doctor_command.hpp"
#include "failure.hpp"
#include "ranks.hpp"
#include "unroll/app/prepare.hpp"
#include "unroll/app/progress.hpp"
#include "unroll/base/error.hpp"
#include "unroll/execute/study.hpp"
#include "unroll/mpi/mpi.hpp"
#include "worker_doctor.hpp"
#include "worker_gpu.hpp"

namespace {

using namespace unroll;

/// Collective. Reads the study on every rank; what stops one rank stops all, with one message.
app::Prepared prepare_together(const mpi::Communicator& world, const app::RunArguments& arguments) {
  std::optional<app::Prepared> prepared;
  std::string error;
  try {
    prepared = app::prepare(arguments.study, arguments.sets, app::MemoryCheck::yes, app::ForeignFiles::walked);
  } catch (const UsageError& usage) {
    error = usage.what();
  }
  for (const auto& other : world.all_gather(error)) {
    if (!other.empty()) {
      throw UsageError(other);
    }
  }
  return std::move(*prepared);
}

int exit_code(const execute::StudyOutcome& outcome) {
  if (outcome.num_missing > 0) {
    return app::kExitIncomplete;
  }
  return outcome.num_failed > 0 ? app::kExitFailedRuns : app::kExitComplete;
}

/// Collective. A UsageError leaves it on every rank or on none.
int run(const mpi::Communicator& world, mpi::ThreadLevel provided, const std::string& started_by,
        const std::vector<std::string>& words) {
  if (!words.empty() && words.front() == app::kDoctorFlag) {
    return app::doctor(world, provided, started_by, {words.begin() + 1, words.end()});
  }
  const auto arguments = app::parse_run(words);
  const auto prepared = prepare_together(world, arguments);
  auto progress = app::Progress::to_stderr();
  execute::StudyOptions options;
  options.threaded = provided == mpi::ThreadLevel::multiple;
  options.gpus = app::gpu_support();
  options.cache = arguments.cache;
  options.chunk = arguments.chunk;
  options.on_notice = [&](const std::string& line) { app::say_notice(line, world.rank()); };
  if (world.rank() == 0) {
    options.on_progress = std::ref(progress);
    options.on_prepared = [&] { app::save_study(arguments.folder, arguments); };
  }
  const auto outcome = execute::run_study(world, prepared.study, prepared.plan, arguments.folder, options);
  if (world.rank() == 0) {
    std::cout << outcome.num_runs - outcome.num_missing << " of " << outcome.num_runs << " runs done, "
              << outcome.num_failed << " failed; "
              << (arguments.chunk ? "when all chunks are done: unroll merge " + arguments.output
                                  : arguments.output + "/results.h5")
              << "\n"
              << std::flush;
  }
  return exit_code(outcome);
}

int run_with_mpi(mpi::ThreadLevel wanted, const std::vector<std::string>& words) {
  const std::string started_by = app::launcher();
  const mpi::Environment environment(wanted, started_by.empty());
  const auto world = mpi::Communicator::world();
  try {
    return run(world, environment.provided(), started_by, words);
  } catch (const UsageError& error) {
    if (world.rank() == 0) {
      std::cerr << "unroll: " << error.what() << "\n" << std::flush;
    }
    return app::kExitUsage;
  } catch (const std::exception& error) {
    std::cerr << "unroll: rank " << world.rank() << " on " << mpi::processor_name() << ": "
              << app::first_line(error.what()) << "\n"
              << std::flush;
    mpi::Environment::abort(1);
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::optional<mpi::ThreadLevel> wanted;
  try {
    wanted = mpi::wanted_thread_level();
  } catch (const UsageError& error) {
    app::say_failure(error.what());
    return app::kExitUsage;
  }
  const int code = run_with_mpi(*wanted, std::vector<std::string>(argv + 1, argv + argc));
  std::cout.flush();
  std::cerr.flush();
  std::_Exit(code);  // all is closed; LibTorch's own exit takes 0.1 s to take its registry of operators apart
}
