// Comparison groups: for every run the retrains that its noise floors are taken over, as forks of trees that the study
// has already or that are made for them. A second pass over the seeds, so that the trees of runs come first, in the
// order they have without [noise].
#include <algorithm>

#include "planner.hpp"
#include "unroll/base/sha256.hpp"
#include "unroll/base/text.hpp"
#include "unroll/config/keys.hpp"

namespace unroll::plan {
namespace {

bool compares(const config::Settings& cell) {
  const auto asks = [&](std::string_view key, bool is_set) {
    return is_set && config::find_key(key)->acts.holds(cell);
  };
  return cell.noise.repeats > 0 || asks("noise.orders", !cell.noise.orders.empty()) ||
         asks("noise.inits", !cell.noise.inits.empty());
}

/// The controls: M' is M trained again.
bool forgets_nothing(const ForgetSet& set) { return set.rows.empty() && !set.skipped_step; }

std::string id_of(const Plan& plan, const Group& group) {
  const config::Settings& cell = plan.cells[plan.runs[group.run].cell];
  std::string text = "group 1\n" + plan.runs[group.run].id + "\nsteps=" + join(group.steps, " ") +
                     "\nnormalise=" + config::find_key("noise.normalise")->canonical(cell) + '\n';
  for (const Member& member : group.members) {
    text += std::to_string(static_cast<int>(member.kind)) + ' ' + std::to_string(member.seed) + ' ' +
            plan.models[member.model].id + '\n';
  }
  return sha256(text);
}

}  // namespace

void Planner::plan_groups() {
  for (std::size_t seed = 0; seed < plan_.seeds.size(); ++seed) {
    next_seed();
    for (std::size_t cell = 0; cell < plan_.cells.size(); ++cell) {
      if (compares(plan_.cells[cell])) {
        plan_group(cell * plan_.seeds.size() + seed);
      }
    }
  }
  std::sort(plan_.groups.begin(), plan_.groups.end(), [](const Group& a, const Group& b) { return a.run < b.run; });
}

void Planner::plan_group(std::size_t index) {
  const Run& run = plan_.runs[index];
  Group group;
  group.run = index;
  group.steps = plan_.measured_steps(run);
  if (plan_.cells[run.cell].noise.at == config::NoiseAt::last) {
    group.steps = {group.steps.back()};
  }
  add_member(group, MemberKind::unlearned, -1, {run.id, run.tree, run.fork, index, {}});
  add_member(group, MemberKind::retrained, -1,
             {plan_.trees[run.tree].forks[run.fork].id, run.tree, run.fork, std::nullopt, {}});
  add_repeats(group);
  add_orders(group);
  add_inits(group);
  group.id = id_of(plan_, group);
  plan_.groups.push_back(std::move(group));
}

void Planner::add_member(Group& group, MemberKind kind, std::int64_t seed, Model model) {
  const auto [known, is_new] = model_index_.emplace(model.id, plan_.models.size());
  if (is_new) {
    plan_.trees[model.tree].models.push_back(plan_.models.size());
    plan_.models.push_back(std::move(model));
  }
  const bool is_there = std::any_of(group.members.begin(), group.members.end(),
                                    [&](const Member& member) { return member.model == known->second; });
  if (is_there) {
    return;
  }
  auto& steps = plan_.models[known->second].steps;
  std::vector<std::int64_t> all;
  std::set_union(steps.begin(), steps.end(), group.steps.begin(), group.steps.end(), std::back_inserter(all));
  steps = std::move(all);
  group.members.push_back({kind, known->second, seed});
}

void Planner::add_repeats(Group& group) {
  const Run run = plan_.runs[group.run];
  for (std::int64_t number = 1; number <= plan_.cells[run.cell].noise.repeats; ++number) {
    const std::size_t tree = again(run.tree, static_cast<std::size_t>(number));
    auto& num_steps = plan_.trees[tree].num_steps;
    num_steps = std::max(num_steps, group.steps.back());
    const Fork own = plan_.trees[run.tree].forks[run.fork];
    if (forgets_nothing(plan_.forget_sets[own.forget_set])) {
      add_member(group, MemberKind::repeat, number, {plan_.trees[tree].id, tree, std::nullopt, std::nullopt, {}});
      continue;
    }
    auto& forks = plan_.trees[tree].forks;
    Fork fork = own;
    fork.id = sha256("again " + std::to_string(number) + '\n' + own.id);
    const auto known = std::find_if(forks.begin(), forks.end(), [&](const Fork& f) { return f.id == fork.id; });
    const auto index = static_cast<std::size_t>(known - forks.begin());
    if (known == forks.end()) {
      forks.push_back(fork);
    }
    add_member(group, MemberKind::repeat, number, {fork.id, tree, index, std::nullopt, {}});
  }
}

std::size_t Planner::again(std::size_t index, std::size_t number) {
  const Tree& own = plan_.trees[index];
  const std::string id = sha256("again " + std::to_string(number) + '\n' + own.id);
  const auto [known, is_new] = tree_index_.emplace(id, plan_.trees.size());
  if (is_new) {
    Tree tree = own;
    tree.id = id;
    tree.forks.clear();
    tree.runs.clear();
    tree.models.clear();
    tree.num_steps = 0;
    tree.again = number;
    tree.again_of = index;
    plan_.trees.push_back(std::move(tree));
  }
  return known->second;
}

void Planner::add_retrain(Group& group, MemberKind kind, std::int64_t seed, std::size_t tree,
                          const ResolvedForget& forget, const std::string& retrain) {
  const Run& run = plan_.runs[group.run];
  if (forgets_nothing(plan_.forget_sets[forget.index])) {
    if (tree != run.tree) {  // there M' is the repeat of M
      add_member(group, kind, seed, {plan_.trees[tree].id, tree, std::nullopt, std::nullopt, {}});
    }
    return;
  }
  const std::size_t fork = fork_of(run.cell, tree, forget, retrain);
  add_member(group, kind, seed, {plan_.trees[tree].forks[fork].id, tree, fork, std::nullopt, {}});
}

void Planner::add_orders(Group& group) {
  const Run run = plan_.runs[group.run];
  if (!asks_for_orders(plan_.cells[run.cell])) {
    return;
  }
  const Tree own = plan_.trees[run.tree];
  const std::size_t forget_set = own.forks[run.fork].forget_set;
  const Order own_order = orders_.context_of(run.cell, plan_.seeds_of(run)).order;
  for (const std::int64_t seed : plan_.cells[run.cell].noise.orders) {
    Seeds seeds = plan_.seeds_of(run);
    seeds.order = static_cast<std::uint64_t>(seed);
    OrderContext& context = orders_.context_of(run.cell, seeds, true);
    const ResolvedForget forget = orders_.forget_of(run.cell, forget_set, own_order, context);
    const std::size_t tree = tree_of(run.cell, seeds, own.pretraining, Ordering::shuffled);
    add_retrain(group, MemberKind::order, seed, tree, forget, facts_[run.cell].shuffled.retrain);
  }
}

void Planner::add_inits(Group& group) {
  const Run run = plan_.runs[group.run];
  const config::Settings& cell = plan_.cells[run.cell];
  if (!config::find_key("noise.inits")->acts.holds(cell)) {
    return;
  }
  for (const std::int64_t seed : cell.noise.inits) {
    Seeds seeds = plan_.seeds_of(run);
    seeds.init = static_cast<std::uint64_t>(seed);
    OrderContext& context = orders_.context_of(run.cell, seeds);
    const ResolvedForget forget = orders_.forget_of(run.cell, context);
    const std::size_t pretraining = pretraining_of(run.cell, seeds, context, forget.index);
    const std::size_t tree = tree_of(run.cell, seeds, pretraining, Ordering::own);
    add_retrain(group, MemberKind::init, seed, tree, forget, facts_[run.cell].texts.retrain);
  }
}

}  // namespace unroll::plan
