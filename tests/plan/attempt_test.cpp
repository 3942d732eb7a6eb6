#include "unroll/plan/attempt.hpp"

#include <algorithm>
#include <set>

#include "fakes.hpp"
#include "support/catch.hpp"

using namespace unroll;
using namespace unroll::plan;

namespace {

Finished nothing(const Plan& plan) {
  return {std::vector<bool>(plan.runs.size(), false), std::vector<bool>(plan.items.size(), false)};
}

/// One M with ten M', all of them trained from the first step, and costs that are easy to add.
Plan one_tree(const std::string& more = "") {
  std::vector<std::string> cells;
  for (int index = 0; index < 10; ++index) {
    cells.push_back("retrain.kind=fresh train.steps=20 forget.index=" + std::to_string(index % 5) +
                    (index < 5 ? "" : " forget.kind=examples forget.count=3") + ' ' + more);
  }
  Plan plan = plan_with(cells);
  for (Item& item : plan.items) {
    item.cost_s = item.kind == ItemKind::tree ? 11 : 1;
  }
  for (Tree& tree : plan.trees) {
    tree.trunk_cost_s = 1;
    for (Fork& fork : tree.forks) {
      fork.cost_s = 1;
    }
  }
  return plan;
}

/// By tree and fork: how many parts measure it.
std::map<std::pair<std::size_t, std::size_t>, int> shares(const Attempt& attempt) {
  std::map<std::pair<std::size_t, std::size_t>, int> counts;
  for (const Item& item : attempt.items) {
    for (const std::size_t fork : item.forks) {
      ++counts[{item.index, fork}];
    }
  }
  return counts;
}

std::vector<std::size_t> sizes_of_parts(const Attempt& attempt) {
  std::vector<std::size_t> sizes;
  for (std::size_t i = 0; i < attempt.items.size(); ++i) {
    if (attempt.items[i].kind == ItemKind::tree && !attempt.done[i]) {
      sizes.push_back(attempt.items[i].forks.size());
    }
  }
  return sizes;
}

}  // namespace

TEST_CASE("one rank takes the items of the plan") {
  const Plan plan = plan_with({"forget.index=0", "forget.index=1", "forget.kind=none"}, {0, 1});

  const Attempt attempt = make_attempt(plan, nothing(plan), 1);

  REQUIRE(attempt.items.size() == plan.items.size());
  for (std::size_t i = 0; i < plan.items.size(); ++i) {
    const Item &item = attempt.items[i], &planned = plan.items[i];
    CHECK_FALSE(attempt.done[i]);
    CHECK(item.depends == planned.depends);
    CHECK(item.not_with == planned.not_with);
    CHECK(item.num_lanes == planned.num_lanes);
    CHECK(item.cost_s == Approx(planned.cost_s));
    CHECK(item.critical_s == Approx(planned.critical_s));
    CHECK(item.forks.size() == (item.kind == ItemKind::tree ? plan.trees[item.index].forks.size() : 0));
  }
}

TEST_CASE("a lone tree is divided by its forks, each part with M and what it starts from") {
  const Plan plan = one_tree();

  const Attempt attempt = make_attempt(plan, nothing(plan), 2);

  REQUIRE(plan.trees.size() == 1);
  CHECK(sizes_of_parts(attempt) == std::vector<std::size_t>{5, 5});
  for (const auto& [fork, count] : shares(attempt)) {
    CHECK(count == 1);
  }
  for (const Item& item : attempt.items) {
    if (item.kind == ItemKind::tree) {
      CHECK(item.num_lanes == 6);
      CHECK(item.cost_s == 6);
      CHECK(item.critical_s == 6);
      CHECK(item.depends == std::vector<std::size_t>{0});
      CHECK(item.pack_key == plan.items.back().pack_key);
      CHECK(std::is_sorted(item.forks.begin(), item.forks.end()));
    }
  }
  CHECK(attempt.items[0].critical_s == 7);
}

TEST_CASE("without sharing every fork is a part of its own and trains its own pretraining") {
  const Plan shared = one_tree(), plan = one_tree("run.share=no");

  const Attempt attempt = make_attempt(plan, nothing(plan), 1);

  CHECK(plan.trees[0].id == shared.trees[0].id);
  CHECK(sizes_of_parts(attempt) == std::vector<std::size_t>(10, 1));
  CHECK(attempt.done[0]);  // nobody waits for the pretraining's stage
  for (const Item& item : attempt.items) {
    CHECK(item.depends.empty());
  }
}

TEST_CASE("only the part with the control none waits for the repeat, and keeps off its rank") {
  Plan plan = plan_with({"retrain.kind=fresh forget.index=0", "retrain.kind=fresh forget.index=1", "forget.kind=none"});
  REQUIRE(plan.trees.size() == 1);
  for (Item& item : plan.items) {
    item.cost_s = item.kind == ItemKind::tree ? 31 : 1;
  }
  plan.trees[0].trunk_cost_s = 1;
  for (Fork& fork : plan.trees[0].forks) {
    fork.cost_s = 10;
  }

  const Attempt attempt = make_attempt(plan, nothing(plan), 3);

  CHECK(sizes_of_parts(attempt) == std::vector<std::size_t>{1, 1, 1});
  for (const Item& item : attempt.items) {
    if (item.kind != ItemKind::tree) {
      continue;
    }
    const Fork& fork = plan.trees[0].forks[item.forks[0]];
    CHECK(item.not_with == fork.repeat);
    CHECK(item.depends.size() == (fork.repeat ? 2 : 1));
    CHECK(item.num_lanes == (fork.repeat ? 1 : 2));
  }
}

TEST_CASE("forks whose runs are finished are left out, and what is left is divided anew") {
  const Plan plan = one_tree();
  Finished finished = nothing(plan);
  finished.stages[0] = true;
  for (std::size_t run = 0; run < 4; ++run) {
    finished.runs[run] = true;
  }

  const Attempt on_one = make_attempt(plan, finished, 1), on_three = make_attempt(plan, finished, 3);

  CHECK(sizes_of_parts(on_one) == std::vector<std::size_t>{6});
  CHECK(on_one.done[0]);
  CHECK(on_one.items.back().cost_s == 7);
  CHECK(sizes_of_parts(on_three) == std::vector<std::size_t>{2, 2, 2});
  for (std::size_t run = 0; run < plan.runs.size(); ++run) {
    CHECK(shares(on_three)[{0, plan.runs[run].fork}] == (finished.runs[run] ? 0 : 1));
  }
}

TEST_CASE("a fork with one of two runs finished is done again") {
  const Plan plan = plan_with({"unlearn.rule=epoch-scaled", "unlearn.rule=final-weights"});
  REQUIRE(plan.trees[0].forks.size() == 1);
  Finished finished = nothing(plan);
  finished.runs[0] = true;

  CHECK(sizes_of_parts(make_attempt(plan, finished, 2)) == std::vector<std::size_t>{1});
}

TEST_CASE("a stage that nothing unfinished needs is done, and so is a whole study") {
  const Plan plan = plan_with({"forget.index=0", "forget.kind=none", "pretrain.on=all"}, {0, 1});
  Finished finished = nothing(plan);
  for (std::size_t run = 0; run < plan.runs.size(); ++run) {
    finished.runs[run] = plan.runs[run].seed == 0;
  }

  const Attempt half = make_attempt(plan, finished, 4);
  finished.runs.flip();
  std::vector<bool> either = make_attempt(plan, finished, 4).done;
  finished.runs.assign(plan.runs.size(), true);
  const Attempt all = make_attempt(plan, finished, 4);

  CHECK(std::count(all.done.begin(), all.done.end(), true) == std::ssize(all.items));
  for (std::size_t i = 0; i < plan.items.size(); ++i) {
    CHECK(half.done[i] != either[i]);
  }
}

TEST_CASE("sizes that are not the plan's are refused") {
  const Plan plan = plan_with({""});

  CHECK_THROWS_AS(make_attempt(plan, {}, 1), Error);
  CHECK_THROWS_AS(make_attempt(plan, nothing(plan), 0), Error);
}
