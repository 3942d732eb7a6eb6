#include "execute/item_runner.hpp"

#include <algorithm>
#include <chrono>
#include <exception>

#include "execute/pretraining.hpp"
#include "execute/repeat.hpp"
#include "execute/weight_batch.hpp"
#include "unroll/base/error.hpp"
#include "unroll/execute/stop.hpp"
#include "unroll/mpi/mpi.hpp"

namespace unroll::execute {
namespace {

constexpr double kStageDeadline_s = 30;  // for a file that a network file system does not show yet

double now_s() { return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count(); }

/// An error of what a step only calls: messages between ranks. No std::exception, so that nobody takes it for a
/// failure.
struct FromOutside {
  std::exception_ptr cause;
};

Poll guarded(Poll poll) {
  return [poll = std::move(poll)] {
    try {
      poll();
    } catch (const Stopped&) {
      throw;
    } catch (...) {
      throw FromOutside{std::current_exception()};
    }
  };
}

}  // namespace

ItemRunner::ItemRunner(Context& context, std::vector<plan::Item> items, std::string folder, int rank,
                       store::Writer& writer, Poll poll)
    : context_(context),
      items_(std::move(items)),
      folder_(std::move(folder)),
      rank_(rank),
      writer_(writer),
      poll_(guarded(std::move(poll))) {}

void ItemRunner::run(const schedule::Chunk& chunk, const Finish& finish, const Fail& fail) {
  digests_.clear();
  chunk_start_s_ = now_s();
  std::size_t next = 0;
  for (const auto item : chunk.items) {
    for (const auto dependency : items_[item].depends) {
      digests_[{item, dependency}] = chunk.depend_digests.at(next++);
    }
  }
  if (checkpoints_ != nullptr) {
    checkpoints_->begin_chunk();
  }
  try {
    run_or_divide(chunk.items, finish, fail);
  } catch (const FromOutside& error) {
    std::rethrow_exception(error.cause);
  }
  if (checkpoints_ != nullptr) {
    checkpoints_->end_chunk();
  }
}

Between ItemRunner::between(std::function<void()> before_save) {
  const auto save_if_due = [this, before_save = std::move(before_save)](const Save& save, bool stopping) {
    if (checkpoints_ != nullptr && checkpoints_->is_due(stopping)) {
      if (before_save) {
        before_save();
      }
      checkpoints_->save(save());
    }
  };
  return [this, save_if_due](const Save& save) {
    try {
      poll_();
    } catch (const Stopped&) {
      save_if_due(save, true);
      throw;
    }
    save_if_due(save, false);
  };
}

std::optional<SavedPart> ItemRunner::saved(const std::string& id) {
  return checkpoints_ != nullptr ? checkpoints_->find(id) : std::nullopt;
}

void ItemRunner::run_items(const std::vector<std::size_t>& items, const Finish& finish) {
  switch (items_[items.front()].kind) {
    case plan::ItemKind::pretraining:
      return run_pretrainings(items, finish);
    case plan::ItemKind::repeat:
      return run_repeats(items, finish);
    case plan::ItemKind::tree:
      return run_trees(items, finish);
  }
}

const std::string& ItemRunner::digest_of(std::size_t item, std::size_t dependency) const {
  return digests_.at({item, dependency});
}

record::TelemetryRow ItemRunner::telemetry(const std::string& id, const char* kind, std::int64_t lanes,
                                           std::int64_t model_steps) const {
  record::TelemetryRow row;
  row.item_id = id;
  row.kind = kind;
  row.rank = rank_;
  row.host = mpi::processor_name();
  row.attempt = writer_.attempt();
  row.start_s = chunk_start_s_;
  row.num_lanes = lanes;
  row.model_steps = model_steps;
  return row;
}

std::vector<std::size_t> ItemRunner::take_cached(const std::vector<std::size_t>& items, const Finish& finish) {
  std::vector<std::size_t> others;
  std::vector<record::TelemetryRow> rows;
  for (const auto item : items) {
    const auto& pretraining = context_.plan().pretrainings[items_[item].index];
    const auto state = cache_ != nullptr ? cached_state(context_, pretraining, *cache_) : std::nullopt;
    if (!state) {
      others.push_back(item);
      continue;
    }
    const auto digest = writer_.commit_stage(pretraining.id, stage_of(context_, pretraining, *state));
    rows.push_back(telemetry(pretraining.id, "pretraining", 0, 0));
    rows.back().cached_steps = pretraining.num_steps;
    finish(item, digest);
    poll_();
  }
  writer_.commit({}, rows);
  return others;
}

void ItemRunner::run_pretrainings(const std::vector<std::size_t>& all, const Finish& finish) {
  const auto items = take_cached(all, finish);
  if (items.empty()) {
    return;
  }
  const auto& plan = context_.plan();
  std::vector<std::size_t> indices;
  std::vector<std::optional<SavedPart>> starts;
  for (const auto item : items) {
    indices.push_back(items_[item].index);
    starts.push_back(saved(plan.pretrainings[indices.back()].id));
  }
  std::vector<std::int64_t> resumed;
  for (const auto& start : starts) {
    resumed.push_back(start ? start->step : 0);
  }
  const auto states = pretrain(context_, indices, between(), std::move(starts));
  const double seconds = (now_s() - chunk_start_s_) / static_cast<double>(items.size());
  std::vector<record::TelemetryRow> rows;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const auto& pretraining = plan.pretrainings[indices[i]];
    const auto stage = stage_of(context_, pretraining, states[i]);
    const auto digest = writer_.commit_stage(pretraining.id, stage);
    rows.push_back(
        telemetry(pretraining.id, "pretraining", static_cast<std::int64_t>(items.size()), pretraining.num_steps));
    rows.back().train_s = seconds;
    rows.back().resumed_steps = resumed[i];
    finish(items[i], digest);
    if (cache_ != nullptr) {
      cache_->keep(pretraining.id, stage);
    }
  }
  writer_.commit({}, rows);
}

bool ItemRunner::shares(std::size_t item) const {
  return context_.cell(context_.plan().trees[items_[item].index].cell).run.share;
}

model::State ItemRunner::start_of(std::size_t item) {
  return pretrained(item, context_.plan().trees[items_[item].index].pretraining);
}

model::State ItemRunner::pretrained(std::size_t item, std::size_t pretraining) {
  const auto& plan = context_.plan();
  for (const auto dependency : items_[item].depends) {
    const auto& before = items_[dependency];
    if (before.kind == plan::ItemKind::pretraining && before.index == pretraining && shares(item)) {
      const auto stage =
          store::read_stage(folder_, plan.pretrainings[pretraining].id, digest_of(item, dependency), kStageDeadline_s);
      if (stage) {
        return state_of(context_, plan.pretrainings[pretraining], *stage);
      }
    }
  }
  const std::size_t only[] = {pretraining};  // not shared, or the stage cannot be read: the bits are the same
  return pretrain(context_, only, [this](const Save&) { poll_(); }).front();
}

void ItemRunner::add_risk_tables(std::size_t item, RiskTables& tables) {
  const auto& plan = context_.plan();
  for (const auto index : plan.trees[items_[item].index].runs) {
    const auto& run = plan.runs[index];
    const auto& forks = items_[item].forks;
    if (!run.shadow || !std::binary_search(forks.begin(), forks.end(), run.fork)) {
      continue;
    }
    auto& table = risk_tables_[risk_key(plan, run)];
    table = table ? table : make_risk_table(context_, run, pretrained(item, *run.shadow));
    tables[risk_key(plan, run)] = table;
  }
}

std::optional<hdf5::ArrayFile> ItemRunner::repeat_of(std::size_t item_index, const model::State& start) {
  const auto& plan = context_.plan();
  const auto& item = items_[item_index];
  for (const auto dependency : item.depends) {
    if (items_[dependency].kind == plan::ItemKind::repeat) {
      auto stage = store::read_stage(folder_, repeat_id(plan.trees[item.index]), digest_of(item_index, dependency),
                                     kStageDeadline_s);
      return stage ? std::move(stage) : train_repeat(context_, item.index, start, [this](const Save&) { poll_(); });
    }
  }
  return std::nullopt;
}

void ItemRunner::run_repeats(const std::vector<std::size_t>& items, const Finish& finish) {
  const auto& plan = context_.plan();
  for (const auto item : items) {
    const auto& tree = plan.trees[items_[item].index];
    const double started = now_s();
    auto start = saved(repeat_id(tree));
    const auto resumed = start ? start->step : 0;
    const auto stage = train_repeat(context_, items_[item].index, start_of(item), between(), std::move(start));
    const auto digest = writer_.commit_stage(repeat_id(tree), stage);
    auto row = telemetry(repeat_id(tree), "repeat", 1, tree.num_steps);
    row.train_s = now_s() - started;
    row.resumed_steps = resumed;
    writer_.commit({}, std::span(&row, 1));
    finish(item, digest);
  }
}

std::vector<TreeStart> ItemRunner::tree_starts(const std::vector<std::size_t>& items) {
  std::vector<TreeStart> starts;
  for (const auto item : items) {
    const auto tree = items_[item].index;
    auto start = std::find_if(starts.begin(), starts.end(), [&](const TreeStart& s) { return s.tree == tree; });
    if (start == starts.end() || !shares(item)) {
      start = starts.insert(starts.end(), {tree, {}, start_of(item), std::nullopt});
    }
    start->forks.insert(start->forks.end(), items_[item].forks.begin(), items_[item].forks.end());
    std::sort(start->forks.begin(), start->forks.end());
    if (auto repeat = repeat_of(item, start->state)) {
      start->repeat = std::move(repeat);
    }
    add_risk_tables(item, start->risk_tables);
  }
  std::vector<TreeStart> all;
  for (auto& start : starts) {
    for (auto& part : by_checkpoints(std::move(start))) {
      part.models = models_to_keep(part);
      all.push_back(std::move(part));
    }
  }
  return all;
}

std::vector<TreeStart> ItemRunner::by_checkpoints(TreeStart start) {
  std::vector<TreeStart> parts;
  if (checkpoints_ == nullptr) {
    parts.push_back(std::move(start));
    return parts;
  }
  for (auto& group : checkpoints_->groups_of(context_.plan().trees[start.tree], start.forks)) {
    parts.push_back(
        {start.tree, std::move(group.forks), start.state, start.repeat, std::move(group.part), {}, start.risk_tables});
  }
  return parts;
}

std::vector<std::size_t> ItemRunner::models_to_keep(const TreeStart& start) const {
  const auto& plan = context_.plan();
  std::vector<std::size_t> kept;
  for (const auto index : plan.trees[start.tree].models) {
    const auto& fork = plan.models[index].fork;
    if (kept_models_.at(index) && (!fork || std::binary_search(start.forks.begin(), start.forks.end(), *fork))) {
      kept.push_back(index);
    }
  }
  return kept;
}

void ItemRunner::run_trees(const std::vector<std::size_t>& items, const Finish& finish) {
  auto starts = tree_starts(items);
  std::vector<std::string> ids;
  for (const auto& start : starts) {
    ids.push_back(context_.plan().trees[start.tree].id);
  }
  WeightBatch kept(writer_);
  const auto result = execute::run_trees(
      context_, std::move(starts),
      [&](const std::string& path, const hdf5::ArrayFile& file) { writer_.write_arrays(path, file); },
      between([&] { kept.commit(); }), [&](hdf5::Array weights) { kept.add(std::move(weights)); });
  kept.commit();  // before the rows: a finished run's weights are there
  std::vector<record::TelemetryRow> rows;
  const auto count = static_cast<double>(ids.size());
  for (std::size_t i = 0; i < ids.size(); ++i) {
    rows.push_back(telemetry(ids[i], "tree", result.num_lanes, result.model_steps[i]));
    rows.back().resumed_steps = result.resumed_steps[i];
    rows.back().train_s = result.train_s / count;
    rows.back().curvature_s = result.curvature_s / count;
    rows.back().measure_s = result.measure_s / count;
  }
  writer_.commit(result.records, rows);
  for (const auto item : items) {
    finish(item, "");
  }
}

}  // namespace unroll::execute
