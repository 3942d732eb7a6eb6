#include <algorithm>
#include <numeric>

#include "facts.hpp"
#include "parts.hpp"
#include "unroll/base/text.hpp"
#include "unroll/config/keys.hpp"
#include "unroll/plan/plan.hpp"

namespace unroll::plan {
namespace {

using config::OrderKind;
using config::PretrainOn;
using config::Settings;

constexpr std::int64_t kFoldedLanes = 64;

}  // namespace

std::int64_t max_lanes(const Settings& cell) {
  const bool folds = cell.model.arch == config::Arch::linear || cell.model.arch == config::Arch::mlp;
  return cell.run.lanes.value_or(folds ? kFoldedLanes : 1);
}

Order order_over(const Plan& plan, const Settings& cell, SharedRows rows, std::uint64_t seed, bool is_shuffled) {
  switch (is_shuffled ? OrderKind::shuffled : cell.order.kind) {
    case OrderKind::shuffled:
      return Order::shuffled(std::move(rows), cell.train.batch, seed, "order");
    case OrderKind::file: {
      const auto& table = plan.order_tables.at(cell.order.file);
      return Order::table(std::shared_ptr<const std::vector<Rows>>(table, &table->batches));
    }
    case OrderKind::fixed:
      break;
  }
  return Order::fixed(std::move(rows), cell.train.batch);
}

std::int64_t steps_per_epoch_of(const Settings& cell, const dataset::Description& description, const Plan& plan) {
  if (cell.order.kind == OrderKind::file) {
    return std::ssize(plan.order_tables.at(cell.order.file)->batches);
  }
  return (num_finetune_rows(cell, description.num_train) + cell.train.batch - 1) / cell.train.batch;
}

std::int64_t total_steps_of(const Settings& cell, std::int64_t steps_per_epoch) {
  return cell.train.steps ? *cell.train.steps : cell.train.epochs.value_or(1) * steps_per_epoch;
}

std::vector<std::int64_t> measured_steps_of(const Settings& cell, std::int64_t total_steps) {
  if (!cell.measure.steps.empty()) {
    return cell.measure.steps;
  }
  std::vector<std::int64_t> steps;
  const std::int64_t every = cell.measure.every.value_or(total_steps);
  for (std::int64_t step = every; step < total_steps; step += every) {
    steps.push_back(step);
  }
  steps.push_back(total_steps);
  return steps;
}

Seeds resolve_seeds(const Settings& cell, std::int64_t study_seed) {
  const auto resolve = [&](const std::optional<std::int64_t>& seed) {
    return static_cast<std::uint64_t>(seed.value_or(study_seed));
  };
  return {resolve(cell.seed.split), resolve(cell.seed.init), resolve(cell.seed.pretrain_order),
          resolve(cell.seed.order), resolve(cell.seed.eval)};
}

std::shared_ptr<const std::vector<std::int64_t>> Plan::finetune_rows(const Tree& tree) const {
  return finetune_rows_of(cells[tree.cell], description(tree.cell).num_train, tree.seeds.split);
}

std::shared_ptr<const std::vector<std::int64_t>> Plan::pretrain_rows(const Pretraining& pretraining) const {
  const Settings& cell = cells[pretraining.cell];
  const auto& data = description(pretraining.cell);
  switch (cell.pretrain.on) {
    case PretrainOn::split: {
      const auto part = split_rows(data.num_train, cell.pretrain.fraction, pretraining.seeds.split).pretrain;
      return without_classes(*part, data.train_labels, pretraining.dropped_classes);
    }
    case PretrainOn::retain:
    case PretrainOn::all:
      return pretraining.forget_set ? without(*all_rows(data.num_train), forget_sets[*pretraining.forget_set].rows)
                                    : all_rows(data.num_train);
    case PretrainOn::none:
      break;
  }
  return std::make_shared<const Rows>();
}

std::string Plan::feature_fit(const Pretraining& pretraining) const {
  const Settings& cell = cells[pretraining.cell];
  if (cell.data.dataset != config::Dataset::imdb || cell.data.features != config::TextFeatures::tfidf) {
    return "";
  }
  if (cell.pretrain.on == PretrainOn::split) {
    return "fit split " + config::find_key("pretrain.fraction")->canonical(cell) + " of seed " +
           std::to_string(pretraining.seeds.split) + " without classes " + join(pretraining.dropped_classes, " ");
  }
  return "fit all" + (pretraining.forget_set ? " without " + forget_sets[*pretraining.forget_set].hash : "");
}

Order Plan::order_of(const Tree& tree) const {
  return order_over(*this, cells[tree.cell], finetune_rows(tree), tree.seeds.order, tree.is_shuffled);
}

ShadowRows Plan::shadow_rows(const Pretraining& shadow) const {
  const auto& data = description(shadow.cell);
  const auto rows_from = [](std::int64_t first, std::int64_t last) {
    Rows rows(static_cast<std::size_t>(last - first));
    std::iota(rows.begin(), rows.end(), first);
    return rows;
  };
  const std::int64_t half = (data.num_test + 1) / 2;
  if (cells[shadow.cell].prs.shadow == config::PrsShadow::train) {
    return {{false, rows_from(0, (data.num_train + 1) / 2)}, {true, rows_from(0, half)}};
  }
  return {{true, rows_from(0, half)}, {true, rows_from(half, data.num_test)}};
}

std::vector<std::size_t> Plan::pretrainings_of(const Tree& tree) const {
  std::vector<std::size_t> needed{tree.pretraining};
  for (const std::size_t run : tree.runs) {
    const auto& shadow = runs[run].shadow;
    if (shadow && std::find(needed.begin(), needed.end(), *shadow) == needed.end()) {
      needed.push_back(*shadow);
    }
  }
  return needed;
}

Order Plan::order_of(const Pretraining& pretraining) const {
  if (pretraining.use == PretrainingUse::shadow) {
    return Order::shuffled(std::make_shared<const Rows>(shadow_rows(pretraining).members.rows),
                           cells[pretraining.cell].prs.batch, pretraining.seeds.init, "shadow_order");
  }
  return Order::shuffled(pretrain_rows(pretraining), cells[pretraining.cell].pretrain.batch,
                         pretraining.seeds.pretrain_order, "pretrain_order");
}

Order Plan::order_of(const Tree& tree, const Fork& fork) const {
  const Settings& cell = cells[fork.cell];
  const auto& rows = forget_sets[fork.forget_set].rows;
  if (cell.retrain.kind == config::RetrainKind::coupled || rows.empty()) {
    return order_of(tree);
  }
  return order_over(*this, cells[tree.cell], without(*finetune_rows(tree), rows), tree.seeds.order, tree.is_shuffled);
}

Seeds Plan::seeds_of(const Run& run) const { return resolve_seeds(cells[run.cell], seeds[run.seed]); }

std::int64_t Plan::trunk_steps(const Tree& tree) const {
  const bool is_kept = std::any_of(tree.models.begin(), tree.models.end(),
                                   [&](std::size_t model) { return !models[model].fork.has_value(); });
  if (is_kept || !tree.runs.empty()) {
    return tree.num_steps;
  }
  std::int64_t steps = 0;
  for (const Fork& fork : tree.forks) {
    steps = std::max(steps, tree.again > 0 ? 0 : fork.first_touch);
  }
  return steps;
}

std::int64_t Plan::total_steps(std::size_t cell) const {
  return total_steps_of(cells[cell], steps_per_epoch_of(cells[cell], description(cell), *this));
}

std::vector<std::int64_t> Plan::measured_steps(const Run& run) const {
  return measured_steps_of(cells[run.cell], total_steps(run.cell));
}

}  // namespace unroll::plan
