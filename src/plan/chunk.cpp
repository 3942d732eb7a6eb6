#include "unroll/plan/chunk.hpp"

#include <algorithm>
#include <numeric>
#include <optional>
#include <set>

#include "unroll/base/error.hpp"
#include "unroll/base/wording.hpp"

namespace unroll::plan {
namespace {

constexpr int kNumTrials = 100;  // of the bisection

/// Trees that stay together, and what they cost without their pretrainings.
struct Unit {
  std::vector<std::size_t> trees;
  double cost_s = 0;
};

/// What the trees of a chunk need beside them, each once.
struct Costs {
  std::vector<double> trees_s;         // by tree, with its repeats
  std::vector<double> pretrainings_s;  // by pretraining; 0 for those without steps
};

Costs costs_of(const Plan& plan) {
  Costs costs{std::vector<double>(plan.trees.size(), 0), std::vector<double>(plan.pretrainings.size(), 0)};
  for (const Item& item : plan.items) {
    (item.kind == ItemKind::pretraining ? costs.pretrainings_s : costs.trees_s)[item.index] += item.cost_s;
  }
  return costs;
}

std::size_t root_of(std::vector<std::size_t>& above, std::size_t tree) {
  while (above[tree] != tree) {
    tree = above[tree] = above[above[tree]];
  }
  return tree;
}

/// In the order of their first trees.
std::vector<Unit> units_of(const Plan& plan, const Costs& costs) {
  std::vector<std::size_t> above(plan.trees.size());
  std::iota(above.begin(), above.end(), std::size_t{0});
  for (const Group& group : plan.groups) {
    for (const Member& member : group.members) {
      const auto a = root_of(above, plan.runs[group.run].tree), b = root_of(above, plan.models[member.model].tree);
      above[std::max(a, b)] = std::min(a, b);
    }
  }
  std::vector<Unit> units;
  std::vector<std::size_t> unit_of_root(plan.trees.size());
  for (std::size_t tree = 0; tree < plan.trees.size(); ++tree) {
    const auto root = root_of(above, tree);
    if (root == tree) {
      unit_of_root[tree] = units.size();
      units.emplace_back();
    }
    Unit& unit = units[unit_of_root[root]];
    unit.trees.push_back(tree);
    unit.cost_s += costs.trees_s[tree];
  }
  return units;
}

/// Fills one chunk after the other up to a cost, leaving at least a unit for each that is to come.
class Filler {
 public:
  Filler(const Plan& plan, const Costs& costs, const std::vector<Unit>& units, std::size_t count)
      : plan_(plan), costs_(costs), units_(units), count_(count) {}

  /// By unit: its chunk, from 0; nullopt when the costliest would cost more than so much.
  [[nodiscard]] std::optional<std::vector<std::size_t>> fill(double most_s) const {
    std::vector<std::size_t> chunks;
    std::set<std::size_t> pretrainings;
    double cost_s = 0;
    std::size_t chunk = 0;
    for (std::size_t i = 0; i < units_.size(); ++i) {
      double more_s = cost_of(units_[i], pretrainings);
      const bool is_empty = i == 0 || chunks.back() != chunk;
      const bool must_leave = units_.size() - i < count_ - chunk;
      if (!is_empty && (must_leave || cost_s + more_s > most_s)) {
        ++chunk;
        cost_s = 0;
        pretrainings.clear();
        more_s = cost_of(units_[i], pretrainings);
      }
      if (chunk >= count_ || cost_s + more_s > most_s) {
        return std::nullopt;
      }
      cost_s += more_s;
      chunks.push_back(chunk);
    }
    return chunks;
  }

 private:
  double cost_of(const Unit& unit, std::set<std::size_t>& pretrainings) const {
    double cost_s = unit.cost_s;
    for (const std::size_t tree : unit.trees) {
      for (const std::size_t pretraining : plan_.pretrainings_of(plan_.trees[tree])) {
        cost_s += pretrainings.insert(pretraining).second ? costs_.pretrainings_s[pretraining] : 0;
      }
    }
    return cost_s;
  }

  const Plan& plan_;
  const Costs& costs_;
  const std::vector<Unit>& units_;
  std::size_t count_;
};

/// By unit: its chunk, from 0.
std::vector<std::size_t> cut(const Filler& filler, double all_s) {
  double low_s = 0, high_s = all_s;
  auto best = filler.fill(high_s);
  for (int trial = 0; trial < kNumTrials; ++trial) {
    const double middle_s = (low_s + high_s) / 2;
    if (auto filled = filler.fill(middle_s)) {
      best = std::move(filled);
      high_s = middle_s;
    } else {
      low_s = middle_s;
    }
  }
  return best.value();
}

}  // namespace

std::vector<std::int64_t> cut_trees(const Plan& plan, std::int64_t count) {
  const Costs costs = costs_of(plan);
  const std::vector<Unit> units = units_of(plan, costs);
  if (count < 1 || count > std::ssize(units)) {
    throw UsageError("--chunk i/" + std::to_string(count) + ": this study can be cut into 1.." +
                     std::to_string(units.size()) + " chunks: between its " + counted(std::ssize(plan.trees), "tree") +
                     ", but not between those that a comparison group joins");
  }
  double all_s = 1;  // more than any chunk costs, however its sum is rounded
  for (const Unit& unit : units) {
    all_s += unit.cost_s;
  }
  for (const double cost_s : costs.pretrainings_s) {
    all_s += cost_s;
  }
  const Filler filler(plan, costs, units, static_cast<std::size_t>(count));
  const std::vector<std::size_t> chunks = cut(filler, all_s);
  std::vector<std::int64_t> chunk_of_tree(plan.trees.size());
  for (std::size_t unit = 0; unit < units.size(); ++unit) {
    for (const std::size_t tree : units[unit].trees) {
      chunk_of_tree[tree] = static_cast<std::int64_t>(chunks[unit]) + 1;
    }
  }
  return chunk_of_tree;
}

ChunkShare share_of(const Plan& plan, const StudyChunk& chunk) {
  if (chunk.index < 1 || chunk.index > chunk.count) {
    throw UsageError("--chunk " + std::to_string(chunk.index) + '/' + std::to_string(chunk.count) +
                     ": the first number must be in 1.." + std::to_string(std::max<std::int64_t>(chunk.count, 1)));
  }
  const std::vector<std::int64_t> chunk_of_tree = cut_trees(plan, chunk.count);
  const Costs costs = costs_of(plan);
  const auto is_here = [&](std::size_t tree) { return chunk_of_tree[tree] == chunk.index; };
  ChunkShare share{chunk, {}, {}, {}};
  std::vector<double> costs_s(static_cast<std::size_t>(chunk.count), 0);
  std::vector<std::set<std::int64_t>> users(plan.pretrainings.size());  // chunks, by pretraining
  for (std::size_t tree = 0; tree < plan.trees.size(); ++tree) {
    share.trees.push_back(is_here(tree));
    share.num_trees += is_here(tree);
    double& cost_s = costs_s[static_cast<std::size_t>(chunk_of_tree[tree] - 1)];
    cost_s += costs.trees_s[tree];
    for (const std::size_t pretraining : plan.pretrainings_of(plan.trees[tree])) {
      cost_s += users[pretraining].insert(chunk_of_tree[tree]).second ? costs.pretrainings_s[pretraining] : 0;
    }
  }
  for (std::size_t i = 0; i < users.size(); ++i) {
    const bool is_trained = plan.pretrainings[i].num_steps > 0 && users[i].contains(chunk.index);
    share.num_pretrainings += is_trained;
    share.num_shared_pretrainings += is_trained && users[i].size() > 1;
  }
  for (const Run& run : plan.runs) {
    share.runs.push_back(is_here(run.tree));
    share.num_runs += is_here(run.tree);
    share.num_measured_rows += is_here(run.tree) ? std::ssize(plan.measured_steps(run)) : 0;
  }
  for (const Group& group : plan.groups) {
    share.groups.push_back(is_here(plan.runs[group.run].tree));
    share.num_groups += share.groups.back();
  }
  share.cost_s = costs_s[static_cast<std::size_t>(chunk.index - 1)];
  share.largest_cost_s = *std::max_element(costs_s.begin(), costs_s.end());
  return share;
}

}  // namespace unroll::plan
