// make_plan: cells are described, then every run is resolved seed by seed (so that only one seed's orders are held at a
// time) into its pretraining, tree and fork, each found again by its id; groups (noise.cpp), items and costs follow.
#include "planner.hpp"

#include <algorithm>
#include <unordered_map>

#include "parts.hpp"
#include "unroll/base/sha256.hpp"
#include "unroll/base/text.hpp"
#include "unroll/config/keys.hpp"
#include "unroll/plan/plan.hpp"

namespace unroll::plan {
namespace {

using config::bad_setting;
using config::ForgetKind;
using config::OrderKind;
using config::PretrainOn;
using config::Settings;

/// A [retrain] key that another cell of the grid needs must not reach the trainer here: it is in no id.
void reset_idle_retrain_keys(Settings& cell) {
  constexpr std::string_view kRetrain[] = {"retrain."};
  const Settings defaults;
  for (const config::Key* key : config::select_keys(kRetrain)) {
    if (!key->acts.holds(cell)) {
      key->read(key->canonical(defaults), cell);
    }
  }
}

}  // namespace

Planner::Planner(const config::Study& study, const Sources& sources) : study_(study), sources_(sources) {
  plan_.cells = study.cells;
  plan_.seeds = study.seeds;
  for (Settings& cell : plan_.cells) {
    reset_idle_retrain_keys(cell);
  }
}

Plan Planner::make() {
  facts_ = survey_cells(study_, sources_, plan_, init_hashes_);
  plan_.runs.resize(plan_.cells.size() * plan_.seeds.size());
  for (std::size_t seed = 0; seed < plan_.seeds.size(); ++seed) {
    next_seed();
    for (std::size_t cell = 0; cell < plan_.cells.size(); ++cell) {
      plan_run(cell, seed);
    }
  }
  finish_plan(plan_, facts_, study_, init_hashes_);
  plan_groups();
  clamp_first_touches(plan_);
  add_items(plan_, facts_);
  add_costs(plan_, facts_, study_, sources_.memory_limit_bytes);
  return std::move(plan_);
}

void Planner::next_seed() {
  orders_.next_seed();
  digests_.forget_all();
}

void Planner::plan_run(std::size_t cell, std::size_t seed) {
  const Seeds seeds = resolve_seeds(plan_.cells[cell], plan_.seeds[seed]);
  OrderContext& context = orders_.context_of(cell, seeds);
  const ResolvedForget forget = orders_.forget_of(cell, context);
  Run& run = plan_.runs[cell * plan_.seeds.size() + seed];
  run.cell = cell;
  run.seed = seed;
  run.tree = tree_of(cell, seeds, pretraining_of(cell, seeds, context, forget.index), Ordering::own);
  if (seed > 0 && plan_.runs[cell * plan_.seeds.size()].tree == run.tree) {
    refuse_equal_seeds(cell);
  }
  check_gradient_rows(plan_.cells[cell], std::ssize(*context.finetune_part));
  run.fork = fork_of(cell, run.tree, forget, facts_[cell].texts.retrain);
  run.shadow = shadow_of(cell, seeds, plan_.trees[run.tree].pretraining);
  run.id = run_id_of(run, seeds);
}

std::optional<std::size_t> Planner::shadow_of(std::size_t cell_index, const Seeds& seeds, std::size_t start) {
  const std::string& text = facts_[cell_index].texts.shadow;
  if (text.empty()) {
    return std::nullopt;
  }
  Pretraining shadow;
  shadow.cell = cell_index;
  shadow.seeds = seeds;
  shadow.use = PretrainingUse::shadow;
  std::string fit = plan_.feature_fit(plan_.pretrainings[start]);
  if (!fit.empty()) {  // it sees inputs as its target does
    shadow.forget_set = plan_.pretrainings[start].forget_set;
    shadow.dropped_classes = plan_.pretrainings[start].dropped_classes;
    fit.insert(0, "\n");
  }
  shadow.id = digests_.of("shadow 1\n" + text + "\ninit=" + std::to_string(seeds.init) + fit);
  const auto [known, is_new] = pretraining_index_.emplace(shadow.id, plan_.pretrainings.size());
  if (is_new) {
    const Settings& cell = plan_.cells[cell_index];
    const std::int64_t rows = std::ssize(plan_.shadow_rows(shadow).members.rows);
    const std::int64_t per_epoch = (rows + cell.prs.batch - 1) / cell.prs.batch;
    if (per_epoch > kMaxSteps / cell.prs.epochs) {
      throw bad_setting(study_, "prs.epochs", cell, "makes more than " + std::to_string(kMaxSteps) + " steps");
    }
    shadow.num_steps = cell.prs.epochs * per_epoch;
    plan_.pretrainings.push_back(std::move(shadow));
  }
  return known->second;
}

void Planner::check_gradient_rows(const Settings& cell, std::int64_t num_rows) const {
  if (cell.unlearn.gradient_of_last > num_rows) {
    throw bad_setting(study_, "unlearn.gradient_of", cell,
                      "takes more rows than the " + std::to_string(num_rows) + " of the fine-tuning part");
  }
}

std::size_t Planner::pretraining_of(std::size_t cell_index, const Seeds& seeds, const OrderContext& context,
                                    std::size_t forget_set) {
  const Settings& cell = plan_.cells[cell_index];
  const PretrainOn on = cell.pretrain.on;
  const auto& forgotten = plan_.forget_sets[forget_set];
  Pretraining pretraining;
  pretraining.cell = cell_index;
  pretraining.seeds = seeds;
  std::string text = "pretraining 1\n" + facts_[cell_index].texts.pretraining;
  if (cell.init.file.empty()) {
    text += "\ninit=" + std::to_string(seeds.init);
  }
  if (on != PretrainOn::none) {
    text += "\norder=" + std::to_string(seeds.pretrain_order);
  }
  if (on == PretrainOn::split) {
    text += "\nsplit=" + std::to_string(seeds.split);
    if (cell.forget.kind == ForgetKind::class_) {
      pretraining.dropped_classes = cell.forget.index;
      text += "\ndropped=" + join(pretraining.dropped_classes, " ");
    }
  }
  if (on == PretrainOn::retain && !forgotten.rows.empty()) {
    pretraining.forget_set = forget_set;
    text += "\nwithout=" + forgotten.hash;
  }
  pretraining.id = digests_.of(text);
  const auto [known, is_new] = pretraining_index_.emplace(pretraining.id, plan_.pretrainings.size());
  if (!is_new) {
    return known->second;
  }
  if (on != PretrainOn::none) {
    const auto& data = plan_.description(cell_index);
    const auto rows =
        on == PretrainOn::split
            ? std::ssize(*without_classes(*context.pretrain_part, data.train_labels, pretraining.dropped_classes))
            : data.num_train - (pretraining.forget_set ? std::ssize(forgotten.rows) : 0);
    if (rows == 0) {
      throw bad_setting(study_, "forget.index", cell,
                        "leaves no row to pretrain on once the forgotten classes are dropped");
    }
    const std::int64_t per_epoch = (rows + cell.pretrain.batch - 1) / cell.pretrain.batch;
    if (per_epoch > kMaxSteps / cell.pretrain.epochs) {
      throw bad_setting(study_, "pretrain.epochs", cell, "makes more than " + std::to_string(kMaxSteps) + " steps");
    }
    pretraining.num_steps = cell.pretrain.epochs * per_epoch;
  }
  plan_.pretrainings.push_back(std::move(pretraining));
  return known->second;
}

std::size_t Planner::tree_of(std::size_t cell, const Seeds& seeds, std::size_t pretraining, Ordering ordering) {
  const CellFacts& facts = facts_[cell];
  const bool is_own = ordering == Ordering::own;
  const bool is_shuffled = !is_own || plan_.cells[cell].order.kind == OrderKind::shuffled;
  const std::string& original = (is_own ? facts.texts : facts.shuffled).original;
  const std::string& id = digests_.of("original 1\n" + plan_.pretrainings[pretraining].id + original +
                                      (is_shuffled ? std::to_string(seeds.order) : ""));
  const auto [known, is_new] = tree_index_.emplace(id, plan_.trees.size());
  if (is_new) {
    plan_.trees.push_back({id, cell, seeds, pretraining, 0, 0, {}, {}});
    plan_.trees.back().is_shuffled = !is_own;
  }
  Tree& tree = plan_.trees[known->second];
  tree.num_steps = std::max(tree.num_steps, facts.last_measured);
  tree.schedule_steps = std::max(tree.schedule_steps, facts.total_steps);
  return known->second;
}

std::size_t Planner::fork_of(std::size_t cell_index, std::size_t tree_index, const ResolvedForget& forget,
                             const std::string& retrain) {
  const Settings& cell = plan_.cells[cell_index];
  Tree& tree = plan_.trees[tree_index];
  const bool is_repeat = cell.forget.kind == ForgetKind::none;
  const std::size_t number = retrain_numbers_.emplace(retrain, retrain_numbers_.size()).first->second;
  const ForkKey key = is_repeat ? ForkKey{tree_index, kRepeat, 0} : ForkKey{tree_index, forget.index, number};
  const auto [known, is_new] = fork_index_.emplace(key, tree.forks.size());
  if (is_new) {
    const std::string id =
        sha256(is_repeat ? "repeat 1\n" + tree.id
                         : "retrained 1\n" + tree.id + plan_.forget_sets[forget.index].hash + retrain);
    const bool is_fresh = cell.retrain.kind == config::RetrainKind::fresh;
    tree.forks.push_back({id, cell_index, forget.index, std::nullopt, is_fresh ? 0 : forget.first_touch,
                          forget.first_touch == kNever ? -1 : forget.first_touch});
  }
  return known->second;
}

std::string Planner::run_id_of(const Run& run, const Seeds& seeds) const {
  const Tree& tree = plan_.trees[run.tree];
  const bool uses_eval = plan_.cells[run.cell].measure.sigma != config::Sigma::none;
  return sha256("run 1\n" + tree.id + tree.forks[run.fork].id + (run.shadow ? plan_.pretrainings[*run.shadow].id : "") +
                facts_[run.cell].texts.run + (uses_eval ? std::to_string(seeds.eval) : ""));
}

void Planner::refuse_equal_seeds(std::size_t cell_index) const {
  const Settings& cell = plan_.cells[cell_index];
  throw bad_setting(
      study_, "study.seeds", cell,
      "change nothing: pretrain.on = " + config::find_key("pretrain.on")->canonical(cell) +
          ", order.kind = " + config::find_key("order.kind")->canonical(cell) +
          " and the initial weights are the same for every seed; give one seed, or let [seed] follow them");
}

Plan make_plan(const config::Study& study, const Sources& sources) { return Planner(study, sources).make(); }

}  // namespace unroll::plan
