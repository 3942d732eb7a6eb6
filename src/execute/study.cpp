#include "unroll/execute/study.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <optional>

#include "execute/item_runner.hpp"
#include "execute/repeat.hpp"
#include "unroll/base/error.hpp"
#include "unroll/execute/numerics.hpp"
#include "unroll/schedule/schedule.hpp"
#include "unroll/store/store.hpp"

namespace unroll::execute {
namespace {

constexpr std::int64_t kPackUnits = 4096;  // a pack's room; an item takes its lanes' share of it

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
std::string common_numerics_key(const mpi::Communicator& world, std::int64_t threads) {
  const auto keys = world.all_gather(numerics_key(threads));
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

/// Which items earlier attempts finished: "index digest" lines. Stages that nothing unfinished needs count as done.
std::string done_items(const plan::Plan& plan, const store::Finished& finished) {
  std::vector<std::optional<std::string>> done(plan.items.size());
  std::vector<bool> is_needed(plan.items.size(), false);
  for (std::size_t i = plan.items.size(); i-- > 0;) {
    const auto& item = plan.items[i];
    if (item.kind == plan::ItemKind::tree) {
      if (finished.trees.contains(plan.trees[item.index].id)) {
        done[i] = "";
      }
    } else {
      const auto id = item.kind == plan::ItemKind::pretraining ? plan.pretrainings[item.index].id
                                                               : repeat_id(plan.trees[item.index]);
      const auto stage = finished.stages.find(id);
      if (stage != finished.stages.end()) {
        done[i] = stage->second;
      } else if (!is_needed[i]) {
        done[i] = "";
      }
    }
    if (!done[i]) {
      for (const auto dependency : item.depends) {
        is_needed[dependency] = true;
      }
    }
  }
  std::string text;
  for (std::size_t i = 0; i < done.size(); ++i) {
    if (done[i]) {
      text += std::to_string(i) + " " + *done[i] + "\n";
    }
  }
  return text;
}

std::vector<schedule::WorkItem> work_items(const Context& context, const std::string& done) {
  const auto& plan = context.plan();
  std::vector<schedule::WorkItem> work;
  for (const auto& item : plan.items) {
    const auto cell =
        item.kind == plan::ItemKind::pretraining ? plan.pretrainings[item.index].cell : plan.trees[item.index].cell;
    schedule::WorkItem entry;
    entry.depends = item.depends;
    entry.not_with = item.not_with;
    entry.pack_key = item.pack_key;
    entry.num_lanes = item.num_lanes * std::max<std::int64_t>(1, kPackUnits / context.max_lanes(cell));
    entry.priority = item.critical_flop;
    entry.cost = item.cost_flop;
    work.push_back(std::move(entry));
  }
  for (std::size_t at = 0; at < done.size();) {
    const auto end = done.find('\n', at);
    const auto space = done.find(' ', at);
    std::size_t index = 0;
    std::from_chars(done.data() + at, done.data() + space, index);
    work[index].done = true;
    work[index].digest = done.substr(space + 1, end - space - 1);
    at = end + 1;
  }
  return work;
}

}  // namespace

StudyOutcome run_study(const mpi::Communicator& world, const config::Study& study, const plan::Plan& plan,
                       const std::string& folder, const StudyOptions& options) {
  const auto threads = plan.cells.front().run.threads;
  set_up_numerics(threads);
  Context context(plan);
  on_every_rank(world, [&] { validate(context, study); });
  const auto key = common_numerics_key(world, threads);
  const auto done = on_first_rank(world, [&] {
    store::prepare(folder, {config::scientific_text(study), plan.id, key});
    if (options.on_prepared) {
      options.on_prepared();
    }
    return done_items(plan, store::finished(folder));
  });

  {
    store::Writer writer(folder, world.rank(), key);
    schedule::Scheduler scheduler(world, work_items(context, done),
                                  {kPackUnits, options.threaded, options.on_progress});
    ItemRunner runner(context, folder, world.rank(), writer, [&] { scheduler.poll(); });
    for (auto chunk = scheduler.next(); !chunk.finished; chunk = scheduler.next()) {
      runner.run(chunk, [&](std::size_t item, const std::string& digest) { scheduler.finish(item, digest); });
    }
  }

  const auto summary = on_first_rank(world, [&] {
    const auto merged = store::merge(folder, study, plan);
    return std::to_string(merged.num_missing_runs) + " " + std::to_string(merged.num_failed_runs);
  });
  const auto space = summary.find(' ');
  return {static_cast<std::int64_t>(plan.runs.size()), std::stoll(summary.substr(0, space)),
          std::stoll(summary.substr(space + 1))};
}

}  // namespace unroll::execute
