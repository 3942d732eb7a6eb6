// make_plan: cells are described, then every run is resolved seed by seed (so that only one seed's orders are held at a
// time) into its pretraining, tree and fork, each found again by its id; items and costs follow.
#include <algorithm>
#include <limits>
#include <unordered_map>
#include <unordered_set>

#include "facts.hpp"
#include "forget.hpp"
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

constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();
constexpr std::size_t kMaxContexts = 64;  // orders held at a time

struct ResolvedForget {
  std::size_t index = 0;  // into Plan::forget_sets
  std::int64_t first_touch = kNever;
};

/// M's order under one seed, and the forget sets resolved against it.
struct OrderContext {
  SharedRows pretrain_part, finetune_part;
  Order order;
  std::vector<std::int64_t> first_step;  // by row; kNever for rows that are not drawn
  std::unordered_map<std::string, ResolvedForget> forget_sets;
};

struct ForkPlace {
  std::size_t tree = 0, fork = 0;
};

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

class Planner {
 public:
  Planner(const config::Study& study, const Sources& sources) : study_(study), sources_(sources) {
    plan_.cells = study.cells;
    plan_.seeds = study.seeds;
    for (Settings& cell : plan_.cells) {
      reset_idle_retrain_keys(cell);
    }
  }

  Plan make() {
    facts_ = survey_cells(study_, sources_, plan_, init_hashes_);
    plan_.runs.resize(plan_.cells.size() * plan_.seeds.size());
    for (std::size_t seed = 0; seed < plan_.seeds.size(); ++seed) {
      contexts_.clear();
      digests_.forget_all();
      for (std::size_t cell = 0; cell < plan_.cells.size(); ++cell) {
        plan_run(cell, seed);
      }
    }
    check_runs_differ();
    list_runs();
    clamp_first_touches();
    count_originals();
    add_items(plan_, facts_);
    add_costs(plan_, facts_, study_, sources_.memory_limit_bytes);
    make_id();
    return std::move(plan_);
  }

 private:
  void plan_run(std::size_t cell, std::size_t seed);
  OrderContext& context_of(std::size_t cell, const Seeds& seeds);
  void check_table(const Settings& cell, const OrderContext& context) const;
  ResolvedForget forget_of(std::size_t cell, OrderContext& context);
  std::size_t pretraining_of(std::size_t cell, const Seeds& seeds, const OrderContext& context, std::size_t forget_set);
  std::size_t tree_of(std::size_t cell, const Seeds& seeds, std::size_t pretraining);
  std::size_t fork_of(std::size_t cell, std::size_t tree, const ResolvedForget& forget);
  std::string run_id_of(std::size_t cell, const Seeds& seeds, const Tree& tree, const Fork& fork) const;
  [[noreturn]] void refuse_equal_seeds(std::size_t cell) const;

  void check_runs_differ() const;
  void list_runs();
  void clamp_first_touches();
  void count_originals();
  void make_id();

  const config::Study& study_;
  const Sources& sources_;
  Plan plan_;
  std::vector<CellFacts> facts_;
  std::map<std::string, std::string> init_hashes_;          // of init.file, by path
  std::unordered_map<std::string, OrderContext> contexts_;  // of the seed at hand
  Digests digests_;                                         // of the seed at hand
  std::unordered_map<std::string, std::size_t> forget_index_, pretraining_index_, tree_index_;
  std::unordered_map<std::string, ForkPlace> fork_index_;
};

void Planner::plan_run(std::size_t cell, std::size_t seed) {
  const Seeds seeds = resolve_seeds(plan_.cells[cell], plan_.seeds[seed]);
  OrderContext& context = context_of(cell, seeds);
  const ResolvedForget forget = forget_of(cell, context);
  Run& run = plan_.runs[cell * plan_.seeds.size() + seed];
  run.cell = cell;
  run.seed = seed;
  run.tree = tree_of(cell, seeds, pretraining_of(cell, seeds, context, forget.index));
  if (seed > 0 && plan_.runs[cell * plan_.seeds.size()].tree == run.tree) {
    refuse_equal_seeds(cell);
  }
  run.fork = fork_of(cell, run.tree, forget);
  run.id = run_id_of(cell, seeds, plan_.trees[run.tree], plan_.trees[run.tree].forks[run.fork]);
}

OrderContext& Planner::context_of(std::size_t cell_index, const Seeds& seeds) {
  const Settings& cell = plan_.cells[cell_index];
  const bool is_split = cell.pretrain.on == PretrainOn::split;
  const bool is_shuffled = cell.order.kind == OrderKind::shuffled;
  const std::string key = facts_[cell_index].texts.order + (is_split ? std::to_string(seeds.split) : "") + '/' +
                          (is_shuffled ? std::to_string(seeds.order) : "");
  const auto found = contexts_.find(key);
  if (found != contexts_.end()) {
    return found->second;
  }
  if (contexts_.size() >= kMaxContexts) {
    contexts_.clear();
  }
  const std::int64_t num_train = plan_.description(cell_index).num_train;
  Split split{std::make_shared<const Rows>(), nullptr};
  if (is_split) {
    split = split_rows(num_train, cell.pretrain.fraction, seeds.split);
  } else {
    split.finetune = all_rows(num_train);
  }
  OrderContext context{split.pretrain, split.finetune, order_over(plan_, cell, split.finetune, seeds.order), {}, {}};
  check_table(cell, context);
  return contexts_.emplace(key, std::move(context)).first->second;
}

void Planner::check_table(const Settings& cell, const OrderContext& context) const {
  if (cell.order.kind != OrderKind::file) {
    return;
  }
  const auto& batches = plan_.order_tables.at(cell.order.file)->batches;
  for (std::size_t step = 0; step < batches.size(); ++step) {
    for (const std::int64_t row : batches[step]) {
      if (!std::binary_search(context.finetune_part->begin(), context.finetune_part->end(), row)) {
        throw bad_setting(study_, "order.file", cell,
                          "step " + std::to_string(step) + " draws row " + std::to_string(row) +
                              ", which is not in the fine-tuning part; set pretrain.on to retain, all or none to draw "
                              "from all training rows");
      }
    }
  }
}

/// The first step at which each row is drawn: in an order of ours all rows are, within the first epoch.
void find_first_steps(OrderContext& context, std::int64_t num_train) {
  context.first_step.assign(static_cast<std::size_t>(num_train), kNever);
  for (std::int64_t step = 0; step < context.order.steps_per_epoch(); ++step) {
    for (const std::int64_t row : context.order.batch(step)) {
      auto& first = context.first_step[static_cast<std::size_t>(row)];
      first = std::min(first, step);
    }
  }
}

ResolvedForget Planner::forget_of(std::size_t cell_index, OrderContext& context) {
  const Settings& cell = plan_.cells[cell_index];
  const bool is_step = cell.forget.kind == ForgetKind::step;
  const auto& text = facts_[cell_index].texts.forget;
  const auto found = context.forget_sets.find(text);
  if (found != context.forget_sets.end() && !is_step) {  // a step is checked against each cell's own length
    return found->second;
  }
  const auto& data = plan_.description(cell_index);
  const bool is_file = cell.forget.kind == ForgetKind::file;
  ForgetSet set =
      resolve_forget_set(cell, {study_, data, *context.finetune_part, context.order, facts_[cell_index].total_steps,
                                is_file ? &plan_.row_lists.at(cell.forget.file) : nullptr});
  ResolvedForget resolved;
  resolved.first_touch = set.skipped_step.value_or(kNever);
  if (!set.rows.empty() && context.first_step.empty()) {
    find_first_steps(context, data.num_train);
  }
  for (const std::int64_t row : set.rows) {
    resolved.first_touch = std::min(resolved.first_touch, context.first_step[static_cast<std::size_t>(row)]);
  }
  const auto [known, is_new] = forget_index_.emplace(set.hash, plan_.forget_sets.size());
  if (is_new) {
    plan_.forget_sets.push_back(std::move(set));
  }
  resolved.index = known->second;
  context.forget_sets[text] = resolved;
  return resolved;
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

std::size_t Planner::tree_of(std::size_t cell, const Seeds& seeds, std::size_t pretraining) {
  const CellFacts& facts = facts_[cell];
  const bool is_shuffled = plan_.cells[cell].order.kind == OrderKind::shuffled;
  const std::string& id = digests_.of("original 1\n" + plan_.pretrainings[pretraining].id + facts.texts.original +
                                      (is_shuffled ? std::to_string(seeds.order) : ""));
  const auto [known, is_new] = tree_index_.emplace(id, plan_.trees.size());
  if (is_new) {
    plan_.trees.push_back({id, cell, seeds, pretraining, 0, 0, {}, {}});
  }
  Tree& tree = plan_.trees[known->second];
  tree.num_steps = std::max(tree.num_steps, facts.last_measured);
  tree.schedule_steps = std::max(tree.schedule_steps, facts.total_steps);
  return known->second;
}

std::size_t Planner::fork_of(std::size_t cell_index, std::size_t tree_index, const ResolvedForget& forget) {
  const Settings& cell = plan_.cells[cell_index];
  Tree& tree = plan_.trees[tree_index];
  const bool is_repeat = cell.forget.kind == ForgetKind::none;
  const std::string& id = digests_.of(is_repeat ? "repeat 1\n" + tree.id
                                                : "retrained 1\n" + tree.id + plan_.forget_sets[forget.index].hash +
                                                      facts_[cell_index].texts.retrain);
  const auto [known, is_new] = fork_index_.emplace(id, ForkPlace{tree_index, tree.forks.size()});
  if (is_new) {
    const bool is_fresh =
        cell.retrain.kind == config::RetrainKind::fresh && config::find_key("retrain.kind")->acts.holds(cell);
    tree.forks.push_back({id, cell_index, forget.index, std::nullopt, is_fresh ? 0 : forget.first_touch,
                          forget.first_touch == kNever ? -1 : forget.first_touch});
  }
  return known->second.fork;
}

std::string Planner::run_id_of(std::size_t cell_index, const Seeds& seeds, const Tree& tree, const Fork& fork) const {
  const bool uses_eval = plan_.cells[cell_index].measure.sigma != config::Sigma::none;
  return sha256("run 1\n" + tree.id + fork.id + facts_[cell_index].texts.run +
                (uses_eval ? std::to_string(seeds.eval) : ""));
}

void Planner::refuse_equal_seeds(std::size_t cell_index) const {
  const Settings& cell = plan_.cells[cell_index];
  throw bad_setting(
      study_, "study.seeds", cell,
      "change nothing: pretrain.on = " + config::find_key("pretrain.on")->canonical(cell) +
          ", order.kind = " + config::find_key("order.kind")->canonical(cell) +
          " and the initial weights are the same for every seed; give one seed, or let [seed] follow them");
}

void Planner::check_runs_differ() const {
  std::unordered_map<std::string_view, std::size_t> seen;
  seen.reserve(plan_.runs.size());
  for (const Run& run : plan_.runs) {
    const auto [first, is_new] = seen.emplace(run.id, run.cell);
    if (is_new) {
      continue;
    }
    const Settings& cell = plan_.cells[run.cell];
    for (const config::Axis& axis : study_.axes) {
      const auto& canonical = config::find_key(axis.key)->canonical;
      if (canonical(cell) != canonical(plan_.cells[first->second])) {
        throw bad_setting(study_, axis.key, cell,
                          "makes the same run as the value " + printable(canonical(plan_.cells[first->second])) +
                              ": the same data, training, forget set and measures; keep one of them");
      }
    }
    throw bad_setting(study_, "study.seeds", cell, "make the same run twice");
  }
}

void Planner::list_runs() {
  for (std::size_t run = 0; run < plan_.runs.size(); ++run) {
    plan_.trees[plan_.runs[run].tree].runs.push_back(run);
  }
}

void Planner::clamp_first_touches() {
  for (Tree& tree : plan_.trees) {
    for (Fork& fork : tree.forks) {
      fork.first_touch = std::min(fork.first_touch, tree.num_steps);
    }
  }
}

/// How many M there would be with each pretrain.on: M is shared by all forget sets unless w_0 depends on them.
void Planner::count_originals() {
  std::unordered_set<std::string> split, retain, all;
  for (std::size_t i = 0; i < plan_.cells.size(); ++i) {
    const auto& texts = facts_[i].texts;
    const ForgetKind kind = plan_.cells[i].forget.kind;
    const bool has_rows = kind != ForgetKind::none && kind != ForgetKind::ghost && kind != ForgetKind::step;
    all.insert(texts.shared);
    split.insert(texts.shared + (kind == ForgetKind::class_ ? texts.forget : ""));
    retain.insert(texts.shared + (has_rows ? texts.forget : ""));
  }
  const std::int64_t num_seeds = std::ssize(plan_.seeds);
  plan_.totals.num_originals_split = std::ssize(split) * num_seeds;
  plan_.totals.num_originals_retain = std::ssize(retain) * num_seeds;
  plan_.totals.num_originals_all = std::ssize(all) * num_seeds;
}

void Planner::make_id() {
  Sha256 hash;
  hash.update("plan 1\n" + config::scientific_text(study_));
  for (const auto& description : plan_.descriptions) {
    hash.update("data " + description->content_hash + '\n');
  }
  for (const auto& [path, file_hash] : init_hashes_) {
    hash.update("init " + path + ' ' + file_hash + '\n');
  }
  for (const auto& [path, table] : plan_.order_tables) {
    hash.update("order " + path + ' ' + table->content_hash + '\n');
  }
  for (const auto& [path, rows] : plan_.row_lists) {
    hash.update("rows " + path + ' ' + rows_hash(rows) + '\n');
  }
  plan_.id = hash.hex_digest();
}

}  // namespace

Plan make_plan(const config::Study& study, const Sources& sources) { return Planner(study, sources).make(); }

}  // namespace unroll::plan
