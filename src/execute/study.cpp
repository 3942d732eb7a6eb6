#include "unroll/execute/study.hpp"

#include <algorithm>

#include "execute/checkpoint.hpp"
#include "execute/groups.hpp"
#include "execute/item_runner.hpp"
#include "execute/work_events.hpp"
#include "execute/work_list.hpp"
#include "unroll/base/error.hpp"
#include "unroll/base/wording.hpp"
#include "unroll/execute/numerics.hpp"
#include "unroll/schedule/schedule.hpp"
#include "unroll/store/attempt.hpp"
#include "unroll/store/cache.hpp"
#include "unroll/store/chunks.hpp"
#include "unroll/store/events.hpp"
#include "unroll/store/store.hpp"

namespace unroll::execute {
namespace {

/// Collective. Runs the action on rank 0 and gives every rank its result; its UsageError is thrown on every rank.
std::string on_first_rank(const mpi::Communicator& world, const std::function<std::string()>& action) {
  std::string answer;
  if (world.rank() == 0) {
    try {
      answer = "+" + action();
    } catch (const UsageError& error) {
      answer = std::string("-") + error.what();
    }
  }
  answer = world.broadcast(answer, 0);
  if (answer.front() == '-') {
    throw UsageError(answer.substr(1));
  }
  return answer.substr(1);
}

/// Collective. Runs the check on every rank; a UsageError of any is thrown on all.
void on_every_rank(const mpi::Communicator& world, const std::function<void()>& check) {
  std::string error;
  try {
    check();
  } catch (const UsageError& usage) {
    error = usage.what();
  }
  for (const auto& other : world.all_gather(error)) {
    if (!other.empty()) {
      throw UsageError(other);
    }
  }
}

/// Everything that only LibTorch can judge, before anything starts.
void validate(Context& context, const config::Study& study) {
  for (std::size_t cell = 0; cell < context.plan().cells.size(); ++cell) {
    const auto& settings = context.cell(cell);
    (void)context.network(cell);
    if (settings.init.file.empty()) {
      continue;
    }
    try {
      (void)context.initial_state(cell, 0);
    } catch (const UsageError& error) {
      throw config::bad_file(study, "init.file", settings, error);
    }
  }
}

/// Collective. One numerics key on every rank, or none starts.
std::string common_numerics_key(const mpi::Communicator& world, const config::Settings::Run& run,
                                const std::string& gpu) {
  const auto keys = world.all_gather(numerics_key(run.threads, run.tf32, gpu));
  for (std::size_t rank = 1; rank < keys.size(); ++rank) {
    if (keys[rank] != keys[0]) {
      throw UsageError("rank " + std::to_string(rank) + " would compute other bits than rank 0 (" + keys[rank] +
                       " against " + keys[0] +
                       "): use nodes of one kind, or set ATEN_CPU_CAPABILITY, ONEDNN_MAX_CPU_ISA and MKL_CBWR to the "
                       "lowest instruction set on all");
    }
  }
  return keys[0];
}

/// Collective. The cache that is asked for; rank 0 opens it before the others use it.
std::optional<store::StageCache> open_cache(const mpi::Communicator& world, const StudyOptions& options,
                                            const std::string& key) {
  std::optional<store::StageCache> cache;
  if (options.cache) {
    cache.emplace(
        *options.cache, key, options.on_notice ? options.on_notice : [](const std::string&) {});
    if (world.rank() == 0) {
      cache->open();
    }
    world.barrier();
  }
  return cache;
}

/// Takes the folder on rank 0, and prepares it; whoever cannot leaves it as it was.
store::Attempt take_folder(const std::string& folder, int num_ranks, const std::function<void()>& prepare) {
  store::Attempt attempt(folder, store::this_process(num_ranks));
  try {
    prepare();
  } catch (...) {
    attempt.withdraw();
    throw;
  }
  attempt.remove_temporaries();
  return attempt;
}

/// Runs and groups of other chunks count as done.
void leave_out_others(const plan::Plan& plan, const plan::ChunkShare& share, store::Finished& finished) {
  for (std::size_t run = 0; run < plan.runs.size(); ++run) {
    if (!share.runs[run]) {
      finished.runs.insert(plan.runs[run].id);
    }
  }
  for (std::size_t group = 0; group < plan.groups.size(); ++group) {
    if (!share.groups[group]) {
      finished.runs.insert(plan.groups[group].id);
    }
  }
}

std::string outcome_text(const store::MergeSummary& summary) {
  if (summary.num_missing_runs > 0) {
    return "incomplete: " + counted(summary.num_missing_runs, "run") + " missing";
  }
  return summary.num_failed_runs > 0 ? "failed " + std::to_string(summary.num_failed_runs) : "complete";
}

/// Every rank takes chunks until none is left.
void train_items(const mpi::Communicator& world, Context& context, const std::string& folder, store::Writer& writer,
                 WorkList& list, const StudyOptions& options, store::StageCache* cache, Checkpoints& checkpoints,
                 store::EventLog& log, const store::Attempt* attempt) {
  WorkEvents events(log, context.plan(), list);
  schedule::Scheduler scheduler(world, std::move(list.work), {kPackUnits, options.threaded, options.on_progress});
  ItemRunner runner(context, std::move(list.items), folder, world.rank(), writer, [&] {
    scheduler.poll();
    if (attempt != nullptr) {
      attempt->check();
    }
  });
  runner.keep_weights(std::move(list.models));
  runner.use_checkpoints(checkpoints);
  if (cache != nullptr) {
    runner.use_cache(*cache);
  }
  for (auto chunk = scheduler.next(); !chunk.finished; chunk = scheduler.next()) {
    events.take(chunk);
    runner.run(chunk, [&](std::size_t item, const std::string& digest) {
      scheduler.finish(item, digest);
      events.done(item);
    });
  }
}

}  // namespace

StudyOutcome run_study(const mpi::Communicator& world, const config::Study& study, const plan::Plan& plan,
                       const std::string& folder, const StudyOptions& options) {
  const auto& settings = plan.cells.front();
  const auto placement = place(world, study, settings, options.gpus, options.on_notice);
  set_up_numerics(settings.run.threads, settings.run.tf32);
  Context context(plan, placement.device);
  on_every_rank(world, [&] { validate(context, study); });
  const auto key = common_numerics_key(world, settings.run, placement.numerics);
  const auto share = options.chunk ? std::optional(plan::share_of(plan, *options.chunk)) : std::nullopt;
  std::optional<store::Attempt> attempt;  // rank 0's
  std::string saved;                      // training that an earlier attempt had in hand
  const auto found = on_first_rank(world, [&] {
    attempt.emplace(take_folder(folder, world.size(), [&] {
      store::prepare(folder, {config::scientific_text(study), plan.id, key});
      if (options.on_prepared) {
        options.on_prepared();
      }
    }));
    if (!attempt->note().empty() && options.on_notice) {
      options.on_notice(attempt->note());
    }
    auto finished = store::finished(folder);
    if (options.on_notice) {
      const auto lines = damage_lines(plan, finished);
      std::for_each(lines.begin(), lines.end(), options.on_notice);
    }
    store::remove_damaged(folder, finished.damaged_weights);
    const auto usable = usable_checkpoints(folder, plan, finished);
    store::remove_checkpoints(folder, usable);
    saved = store::text_of(usable);
    if (share) {
      leave_out_others(plan, *share, finished);
    }
    return found_text(plan, finished);
  });
  saved = world.broadcast(saved, 0);
  const auto number =
      std::stoll(world.broadcast(world.rank() == 0 ? std::to_string(attempt->number()) : std::string(), 0));
  store::EventLog log(folder, number, world.rank());
  tell_start(log, store::this_process(world.size()));

  auto cache = open_cache(world, options, key);
  const auto meeting = world.duplicate();  // the gather's own
  const auto gatherer = make_gatherer(meeting, study, settings, placement, options.gpus, options.on_notice);
  {
    auto list = work_list(context, found, world.size());
    if (world.rank() == 0) {
      tell_plan(log, plan, list, found, share);
    }
    store::Writer writer(folder, world.rank(), key, number);
    writer.log_to(log);
    log.write("phase", "training");
    Checkpoints checkpoints(
        folder, writer, key, settings.run.checkpoint * 60, store::files_of(saved),
        options.on_notice ? options.on_notice : [](const std::string&) {});
    train_items(world, context, folder, writer, list, options, cache ? &*cache : nullptr, checkpoints, log,
                attempt ? &*attempt : nullptr);
    log.write("phase", "comparing");
    compare_groups(world, context, folder, list.compared, writer, *gatherer);
  }

  log.write("phase", "merging");
  const auto summary = on_first_rank(world, [&] {
    store::check_newest(folder, number);
    const auto merged = share ? store::count_runs(folder, plan, share->runs) : store::merge(folder, study, plan);
    if (merged.num_missing_runs == 0) {
      store::remove_checkpoints(folder, {});
    }
    store::append_outcome(folder, number, outcome_text(merged));
    return std::to_string(merged.num_missing_runs) + " " + std::to_string(merged.num_failed_runs);
  });
  log.write("phase", "ended");
  const auto space = summary.find(' ');
  return {share ? share->num_runs : std::ssize(plan.runs), std::stoll(summary.substr(0, space)),
          std::stoll(summary.substr(space + 1))};
}

}  // namespace unroll::execute
