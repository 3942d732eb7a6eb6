#include "unroll/execute/study.hpp"

#include <algorithm>

#include "execute/agree.hpp"
#include "execute/checkpoint.hpp"
#include "execute/disk_patience.hpp"
#include "execute/groups.hpp"
#include "execute/session.hpp"
#include "execute/work_events.hpp"
#include "execute/work_list.hpp"
#include "unroll/base/error.hpp"
#include "unroll/base/text.hpp"
#include "unroll/execute/numerics.hpp"
#include "unroll/store/attempt.hpp"
#include "unroll/store/cache.hpp"
#include "unroll/store/events.hpp"
#include "unroll/store/store.hpp"
#include "unroll/store/suspects.hpp"

namespace unroll::execute {
namespace {

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

/// What earlier attempts left; what crashed too often is recorded as failed first. saved: checkpoints.
std::string look_back(const Session& session, store::Writer& writer, std::string& saved) {
  const auto& folder = session.folder;
  Earlier earlier{store::finished(folder), store::failed_runs(folder), {}, session.options.max_attempts};
  const auto damage = damage_lines(session.plan, earlier.finished);
  std::for_each(damage.begin(), damage.end(), [&](const std::string& line) { session.say(line); });
  store::remove_damaged(folder, earlier.finished.damaged_weights);
  earlier.suspects = store::suspects(folder, store::forgotten_attempts(folder), session.number);
  writer.commit_failures(given_up(session.plan, earlier));
  earlier.failed = store::failed_runs(folder);
  const auto usable = usable_checkpoints(folder, session.plan, earlier.finished);
  store::remove_checkpoints(folder, usable);
  saved = store::text_of(usable);
  if (session.share) {
    leave_out_others(session.plan, *session.share, earlier.finished);
  }
  return found_text(session.plan, earlier);
}

/// From a prepared folder to results.h5.
StudyOutcome run_attempt(const Session& session, Context& context, const std::string& key,
                         const execute::Placement& placement) {
  const auto& world = session.world;
  store::Writer writer(session.folder, world.rank(), key, session.number);
  writer.log_to(session.log);
  std::string saved;  // training that an earlier attempt had in hand
  const auto found = on_first_rank(world, [&] { return look_back(session, writer, saved); });
  saved = world.broadcast(saved, 0);
  Checkpoints checkpoints(session.folder, writer, key, session.plan.cells.front().run.checkpoint * 60,
                          store::files_of(saved), [&session](const std::string& line) { session.say(line); });
  auto cache = open_cache(world, session.options, key);
  const auto meeting = world.duplicate();  // the gather's own
  const auto gatherer = make_gatherer(meeting, session.study, session.plan.cells.front(), placement,
                                      session.options.gpus, session.options.on_notice);
  auto list = work_list(context, found, world.size());
  if (world.rank() == 0) {
    tell_plan(session.log, session.plan, list, found, session.share);
  }
  session.log.write("phase", "training");
  train_items(session, context, list, writer, cache ? &*cache : nullptr, checkpoints);
  if (!is_any_stopped(world, session.stop)) {
    session.log.write("phase", "comparing");
    compare_groups(world, context, session.folder, list.compared, writer, *gatherer, session.stop);
  }
  session.log.write("phase", "merging");
  const auto outcome = conclude(session);
  session.log.write("phase", "ended");
  return outcome;
}

/// Appends how the attempt ended, whatever ended it: errors too.
template <typename Action>
StudyOutcome telling_errors(const Session& session, Action action) {
  const auto tell = [&](const char* what) {
    try {
      store::append_outcome(session.folder, session.number,
                            store::outcome_line({store::Outcome::Kind::error, 0, what}));
    } catch (const Error&) {
      // The error itself is what the user hears.
    }
  };
  try {
    return action();
  } catch (const UsageError& error) {  // on every rank
    if (session.world.rank() == 0) {
      tell(error.what());
    }
    throw;
  } catch (const std::exception& error) {
    tell(error.what());
    throw;
  }
}

}  // namespace

StudyOutcome run_study(const mpi::Communicator& world, const config::Study& study, const plan::Plan& plan,
                       const std::string& folder, const StudyOptions& options) {
  const auto& settings = plan.cells.front();
  const auto placement = place(world, study, settings, options.gpus, options.on_notice);
  set_up_numerics(settings.run.threads, settings.run.tf32);
  Context context(plan, placement.device);
  double patience_s = 0;
  on_every_rank(world, [&] {
    patience_s = disk_patience_s();
    validate(context, study);
  });
  const auto key = common_numerics_key(world, settings.run, placement.numerics);
  const auto share = options.chunk ? std::optional(plan::share_of(plan, *options.chunk)) : std::nullopt;
  std::optional<store::Attempt> attempt;  // rank 0's
  const auto number = *parse_integer(on_first_rank(world, [&] {
    attempt.emplace(take_folder(folder, world.size(), [&] {
      for (const auto& line : store::prepare(folder, {config::scientific_text(study), plan.id, key}, options.other)) {
        options.on_notice ? options.on_notice(line) : void();
      }
      if (options.on_prepared) {
        options.on_prepared();
      }
    }));
    if (!attempt->note().empty() && options.on_notice) {
      options.on_notice(attempt->note());
    }
    return std::to_string(attempt->number());
  }));
  store::EventLog log(folder, number, world.rank());
  tell_start(log, store::this_process(world.size()));
  StopSource own;  // where the caller has none
  auto& stop = options.stop != nullptr ? *options.stop : own;
  const Session session{world, study,  plan,      folder, options, stop, log, attempt ? &*attempt : nullptr,
                        share, number, patience_s};
  return telling_errors(session, [&] { return run_attempt(session, context, key, placement); });
}

}  // namespace unroll::execute
