// unroll-worker: what `unroll run` and `unroll doctor` become on every rank, once all that needs no LibTorch was
// checked.
#include <chrono>
#include <cstdlib>
#include <exception>
#include <functional>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "commands.hpp"
#include "doctor_command.hpp"
#include "duration.hpp"
#include "exit_code.hpp"
#include "failure.hpp"
#include "job_time.hpp"
#include "ranks.hpp"
#include "stop_watch.hpp"
#include "time_limit.hpp"
#include "unroll/app/prepare.hpp"
#include "unroll/app/progress.hpp"
#include "unroll/base/error.hpp"
#include "unroll/base/text.hpp"
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

/// Collective. When the study must be over: by --stop-after, or by the end of its Slurm job, whichever is sooner.
std::optional<execute::TimeLimit> time_limit(const mpi::Communicator& world, const app::RunArguments& arguments,
                                             std::chrono::steady_clock::time_point started) {
  const auto now = std::chrono::steady_clock::now();
  const auto job_left_s = world.rank() == 0 ? app::job_time_left_s() : std::nullopt;
  const auto job_left = parse_real(world.broadcast(job_left_s ? shortest(*job_left_s) : std::string(), 0));
  std::optional<execute::TimeLimit> limit;
  if (arguments.stop_after_s) {
    limit = app::limit_after(started, *arguments.stop_after_s, "--stop-after " + arguments.stop_after);
  }
  if (job_left) {
    auto of_job = app::limit_after(now, *job_left, "the job's time limit");
    if (!limit || of_job.end < limit->end) {
      limit = std::move(of_job);
    }
  }
  return limit;
}

void say_limit(const execute::TimeLimit& limit) {
  const std::chrono::duration<double> left = limit.end - std::chrono::steady_clock::now();
  app::say_notice(limit.reason + ": ends within " + app::duration_text(left.count()) +
                      "; work that would not be done by then is left for the next run",
                  0);
}

void say_outcome(const execute::StudyOutcome& outcome, const app::RunArguments& arguments) {
  if (!outcome.is_merged) {
    std::cout << outcome.outcome.text << "; what was finished before is kept: make room, and run it again\n"
              << std::flush;
    return;
  }
  std::cout << outcome.num_runs - outcome.num_missing << " of " << outcome.num_runs << " runs done, "
            << outcome.num_failed << " failed; "
            << (arguments.chunk ? "when all chunks are done: unroll merge " + arguments.output
                                : arguments.output + "/results.h5")
            << "\n"
            << std::flush;
}

bool is_doctor(const std::vector<std::string>& words) { return !words.empty() && words.front() == app::kDoctorFlag; }

/// Collective. A UsageError leaves it on every rank or on none.
int run(const mpi::Communicator& world, mpi::ThreadLevel provided, const std::vector<std::string>& words,
        execute::StopSource& stop, app::StopWatch& watch) {
  const auto started = std::chrono::steady_clock::now();
  const auto arguments = app::parse_run(words);
  const auto prepared = prepare_together(world, arguments);
  auto progress = app::Progress::to_stderr();
  execute::StudyOptions options;
  options.threaded = provided == mpi::ThreadLevel::multiple;
  options.gpus = app::gpu_support();
  options.cache = arguments.cache;
  options.chunk = arguments.chunk;
  options.stop = &stop;
  options.max_fails = arguments.max_fails;
  options.max_attempts = arguments.max_attempts;
  options.other = arguments.extend ? store::OtherStudy::extend : store::OtherStudy::refuse;
  options.limit = time_limit(world, arguments, started);
  if (options.limit) {
    watch.stop_at(app::last_moment(*options.limit), options.limit->reason);
  }
  options.on_notice = [&](const std::string& line) { app::say_notice(line, world.rank()); };
  if (world.rank() == 0) {
    if (options.limit) {
      say_limit(*options.limit);
    }
    options.on_progress = std::ref(progress);
    options.on_prepared = [&] { app::save_study(arguments.folder, arguments); };
  }
  const auto outcome = execute::run_study(world, prepared.study, prepared.plan, arguments.folder, options);
  if (world.rank() == 0) {
    say_outcome(outcome, arguments);
  }
  return app::exit_code(outcome.outcome);
}

int run_with_mpi(mpi::ThreadLevel wanted, const std::vector<std::string>& words) {
  const std::string started_by = app::launcher();
  execute::StopSource stop;
  std::optional<app::StopWatch> watch;  // before MPI's threads
  if (!is_doctor(words)) {
    watch.emplace(stop);
  }
  const mpi::Environment environment(wanted, started_by.empty());
  const auto world = mpi::Communicator::world();
  try {
    return watch ? run(world, environment.provided(), words, stop, *watch)
                 : app::doctor(world, environment.provided(), started_by, {words.begin() + 1, words.end()});
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
