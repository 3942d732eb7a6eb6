#include "unroll/plan/attempt.hpp"

#include <algorithm>
#include <numeric>

#include "facts.hpp"
#include "timetable.hpp"
#include "unroll/base/error.hpp"

namespace unroll::plan {
namespace {

/// By tree: the forks that have a run to do or weights to leave, ascending; whether M's own weights are asked for.
struct Left {
  std::vector<std::vector<std::size_t>> forks;
  std::vector<bool> originals;
  [[nodiscard]] bool is_done(std::size_t tree) const { return forks[tree].empty() && !originals[tree]; }
};

Left what_is_left(const Plan& plan, const Finished& finished) {
  Left left{std::vector<std::vector<std::size_t>>(plan.trees.size()), std::vector<bool>(plan.trees.size(), false)};
  for (std::size_t i = 0; i < plan.runs.size(); ++i) {
    if (!finished.runs[i]) {
      left.forks[plan.runs[i].tree].push_back(plan.runs[i].fork);
    }
  }
  for (std::size_t i = 0; i < plan.models.size(); ++i) {
    const Model& model = plan.models[i];
    if (!finished.models[i]) {
      model.fork ? left.forks[model.tree].push_back(*model.fork) : void(left.originals[model.tree] = true);
    }
  }
  for (auto& forks : left.forks) {
    std::sort(forks.begin(), forks.end());
    forks.erase(std::unique(forks.begin(), forks.end()), forks.end());
  }
  return left;
}

/// The item of a tree with some of its forks only.
Item part_of(const Plan& plan, const Item& whole, std::vector<std::size_t> forks) {
  const Tree& tree = plan.trees[whole.index];
  Item part = whole;
  part.num_lanes = num_trunk_lanes(plan, tree);
  part.cost_s = tree.trunk_cost_s;
  if (!tree.again_of) {
    part.not_with.reset();
  }
  std::erase_if(part.depends, [&](std::size_t item) { return plan.items[item].kind == ItemKind::repeat; });
  for (const std::size_t index : forks) {
    const Fork& fork = tree.forks[index];
    part.cost_s += fork.cost_s;
    if (fork.repeat) {
      part.depends.push_back(*fork.repeat);
      part.not_with = fork.repeat;
    } else {
      ++part.num_lanes;
    }
  }
  part.forks = std::move(forks);
  return part;
}

/// Stages that nothing unfinished needs count as done.
void settle_stages(const Finished& finished, Attempt& attempt) {
  std::vector<bool> is_needed(attempt.items.size(), false);
  for (std::size_t i = attempt.items.size(); i-- > 0;) {
    const Item& item = attempt.items[i];
    if (item.kind != ItemKind::tree) {
      attempt.done[i] = finished.stages[i] || !is_needed[i];
    }
    for (const std::size_t before : item.depends) {
      is_needed[before] = is_needed[before] || !attempt.done[i];
    }
  }
}

struct Paper {
  std::vector<Job> jobs;
  std::vector<std::size_t> item_of_job;
  std::vector<std::vector<std::size_t>> forks_of_job;  // as in Job::forks_s
};

Paper on_paper(const Plan& plan, const Attempt& attempt) {
  Paper paper;
  std::vector<std::size_t> job_of_item(attempt.items.size());
  for (std::size_t i = 0; i < attempt.items.size(); ++i) {
    if (attempt.done[i]) {
      continue;
    }
    const Item& item = attempt.items[i];
    Job job{item.cost_s, item.critical_s, {}, 0};
    for (const std::size_t before : item.depends) {
      if (!attempt.done[before]) {
        job.depends.push_back(job_of_item[before]);
      }
    }
    std::vector<std::size_t> forks = item.forks;
    if (item.kind == ItemKind::tree) {
      const Tree& tree = plan.trees[item.index];
      std::stable_sort(forks.begin(), forks.end(),
                       [&](std::size_t a, std::size_t b) { return tree.forks[a].cost_s > tree.forks[b].cost_s; });
      job.trunk_s = tree.trunk_cost_s;
      for (const std::size_t fork : forks) {
        job.forks_s.push_back(tree.forks[fork].cost_s);
      }
    }
    job_of_item[i] = paper.jobs.size();
    paper.jobs.push_back(std::move(job));
    paper.item_of_job.push_back(i);
    paper.forks_of_job.push_back(std::move(forks));
  }
  return paper;
}

void divide_trees(const Plan& plan, int num_ranks, Attempt& attempt) {
  const Paper paper = on_paper(plan, attempt);
  const Timetable timetable = best_timetable(paper.jobs, num_ranks);
  for (std::size_t job = 0; job < paper.jobs.size(); ++job) {
    const std::size_t place = paper.item_of_job[job];
    for (std::size_t part = 0; part < timetable.parts[job].size(); ++part) {
      std::vector<std::size_t> forks;
      for (const std::size_t fork : timetable.parts[job][part]) {
        forks.push_back(paper.forks_of_job[job][fork]);
      }
      std::sort(forks.begin(), forks.end());
      Item item = part_of(plan, plan.items[place], std::move(forks));
      if (part == 0) {
        attempt.items[place] = std::move(item);
      } else {
        attempt.items.push_back(std::move(item));
        attempt.done.push_back(false);
      }
    }
  }
}

/// run.share = no: every fork is a part of its own, and whoever needs a pretraining trains it.
void share_nothing(const Plan& plan, Attempt& attempt) {
  const std::size_t num_items = attempt.items.size();
  for (std::size_t place = 0; place < num_items; ++place) {
    if (attempt.items[place].kind != ItemKind::tree || attempt.done[place]) {
      continue;
    }
    const auto forks = attempt.items[place].forks;
    for (std::size_t i = 0; i < forks.size(); ++i) {
      Item item = part_of(plan, plan.items[place], {forks[i]});
      if (i == 0) {
        attempt.items[place] = std::move(item);
      } else {
        attempt.items.push_back(std::move(item));
        attempt.done.push_back(false);
      }
    }
  }
  for (Item& item : attempt.items) {
    std::erase_if(item.depends, [&](std::size_t before) { return plan.items[before].kind == ItemKind::pretraining; });
  }
}

}  // namespace

Attempt make_attempt(const Plan& plan, const Finished& finished, int num_ranks) {
  if (finished.runs.size() != plan.runs.size() || finished.stages.size() != plan.items.size() ||
      finished.models.size() != plan.models.size() || num_ranks < 1) {
    throw Error("an attempt needs to know of each run, item and model whether it is finished, and at least one rank");
  }
  Attempt attempt{plan.items, std::vector<bool>(plan.items.size(), false)};
  Left left = what_is_left(plan, finished);
  for (std::size_t i = 0; i < attempt.items.size(); ++i) {
    Item& item = attempt.items[i];
    if (item.kind == ItemKind::tree) {
      attempt.done[i] = left.is_done(item.index);
      item = part_of(plan, item, std::move(left.forks[item.index]));
    }
  }
  settle_stages(finished, attempt);
  find_critical_paths(attempt.items, attempt.done);
  if (!plan.cells.front().run.share) {
    share_nothing(plan, attempt);
    settle_stages(finished, attempt);
    find_critical_paths(attempt.items, attempt.done);
  } else if (num_ranks > 1) {
    divide_trees(plan, num_ranks, attempt);
    find_critical_paths(attempt.items, attempt.done);
  }
  return attempt;
}

}  // namespace unroll::plan
