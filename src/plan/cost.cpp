// Costs of the items and totals of the plan.
#include <algorithm>
#include <set>

#include "cost_model.hpp"
#include "rates.hpp"

namespace unroll::plan {
namespace {

/// Seconds of M, of each M' and of the methods and measures of its runs; returns the work of all trees.
Work add_tree_costs(Plan& plan, const CostModel& costs) {
  Work all;
  for (Tree& tree : plan.trees) {
    const Work trunk = costs.trunk(tree);
    tree.trunk_cost_s = trunk.cost_s;
    all += trunk;
    for (Fork& fork : tree.forks) {
      const Work training = costs.fork(tree, fork);
      fork.cost_s = training.cost_s;
      all += training;
    }
    std::set<std::size_t> followed;  // forks whose runs share what a method computes at M's steps
    for (const std::size_t index : tree.runs) {
      const Run& run = plan.runs[index];
      Work work = costs.measures(run);
      if (const Work method = costs.method(tree, run); method.cost_s > 0 && followed.insert(run.fork).second) {
        work += method;
      }
      tree.forks[run.fork].cost_s += work.cost_s;
      all += work;
    }
  }
  return all;
}

double tree_cost_s(const Tree& tree) {
  double cost_s = tree.trunk_cost_s;
  for (const Fork& fork : tree.forks) {
    cost_s += fork.cost_s;
  }
  return cost_s;
}

void add_item_costs(Plan& plan, const CostModel& costs) {
  Work all = add_tree_costs(plan, costs);
  for (Item& item : plan.items) {
    if (item.kind == ItemKind::tree) {
      item.cost_s = tree_cost_s(plan.trees[item.index]);
      continue;
    }
    const Work work = item.kind == ItemKind::pretraining ? costs.pretrain(plan.pretrainings[item.index])
                                                         : costs.original(plan.trees[item.index]);
    item.cost_s = work.cost_s;
    all += work;
  }
  plan.totals.flop = all.flop;
  plan.totals.cost_s = all.cost_s;
}

void add_steps(Plan& plan, const std::vector<CellFacts>& facts, const CostModel& costs) {
  Totals& totals = plan.totals;
  for (const Run& run : plan.runs) {
    const auto& pretraining = plan.pretrainings[plan.trees[run.tree].pretraining];
    totals.model_steps_asked += pretraining.num_steps + 2 * facts[run.cell].last_measured;
    totals.model_steps_asked += run.shadow ? plan.pretrainings[*run.shadow].num_steps : 0;
    totals.model_steps_asked += plan.cells[run.cell].noise.ulp ? facts[run.cell].last_measured : 0;
    totals.num_measured_rows += facts[run.cell].num_measured;
  }
  for (const Group& group : plan.groups) {
    for (const Member& member : group.members) {
      const bool is_extra = member.kind != MemberKind::unlearned && member.kind != MemberKind::retrained;
      const Tree& tree = plan.trees[plan.models[member.model].tree];
      totals.model_steps_asked +=
          is_extra ? plan.pretrainings[tree.pretraining].num_steps + facts[plan.runs[group.run].cell].last_measured : 0;
    }
  }
  for (const Pretraining& pretraining : plan.pretrainings) {
    totals.model_steps_trained += pretraining.num_steps;
  }
  for (const Tree& tree : plan.trees) {
    totals.model_steps_trained += plan.trunk_steps(tree) * num_trunk_lanes(plan, tree);
    for (const Fork& fork : tree.forks) {
      totals.model_steps_trained += fork.repeat ? tree.num_steps : costs.trained_steps(tree, fork);
    }
  }
}

/// What groups cost: weights that wait for them (M'' in double) and the rows that they leave on disk; their models'
/// rows in double beside a gather's own memory; a multiply-add a weight for each pair.
void add_groups(Plan& plan, const CostModel& costs) {
  constexpr double kDistanceRowBytes = 400;
  constexpr double kGatherBytes = 2147483648;  // gather::Options::memory_bytes
  Totals& totals = plan.totals;
  for (const Model& model : plan.models) {
    const std::size_t cell = plan.trees[model.tree].cell;
    const double element_bytes = model.run ? 8 : costs.element_bytes(cell);
    totals.kept_weights_bytes += real(std::ssize(model.steps)) * element_bytes * real(costs.size(cell).num_parameters);
  }
  double num_distances = 0;
  for (const Group& group : plan.groups) {
    const double count = real(std::ssize(group.members)), num_steps = real(std::ssize(group.steps));
    const double num_parameters = real(costs.size(plan.runs[group.run].cell).num_parameters);
    const double rows_bytes = count * num_parameters * 8;
    num_distances += num_steps * count * (count - 1) / 2;
    totals.comparison_bytes = std::max(totals.comparison_bytes, rows_bytes + std::min(rows_bytes, kGatherBytes));
    totals.comparison_s += num_steps * count * (count + 1) * num_parameters / kProductFlopPerS;
  }
  totals.cost_s += totals.comparison_s;
  totals.disk_bytes += totals.kept_weights_bytes + kDistanceRowBytes * num_distances;
}

}  // namespace

void find_critical_paths(std::vector<Item>& items, const std::vector<bool>& done) {
  for (Item& item : items) {
    item.critical_s = item.cost_s;
  }
  for (std::size_t i = items.size(); i-- > 0;) {  // depends point back
    for (const std::size_t before : items[i].depends) {
      if (!done[i]) {
        items[before].critical_s = std::max(items[before].critical_s, items[before].cost_s + items[i].critical_s);
      }
    }
  }
}

void add_costs(Plan& plan, const std::vector<CellFacts>& facts, const config::Study& study,
               std::int64_t memory_limit_bytes) {
  const CostModel costs(plan, facts);
  add_item_costs(plan, costs);
  find_critical_paths(plan.items, std::vector<bool>(plan.items.size(), false));
  add_steps(plan, facts, costs);
  add_footprint(plan, costs, study, memory_limit_bytes);
  add_groups(plan, costs);
}

}  // namespace unroll::plan
