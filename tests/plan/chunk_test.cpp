// A study cut into chunks: between trees, evenly, never through a comparison group, and the same for everybody.
#include "unroll/plan/chunk.hpp"

#include <algorithm>
#include <numeric>
#include <set>

#include "fakes.hpp"
#include "support/catch.hpp"

using namespace unroll;
using namespace unroll::plan;

namespace {

/// Trees: one a learning rate and seed.
Plan plan_of(std::size_t num_rates, std::int64_t num_seeds, const std::string& more = "") {
  std::vector<std::string> cells;
  for (std::size_t i = 1; i <= num_rates; ++i) {
    for (const char* index : {"0", "1"}) {
      cells.push_back("train.lr=0." + std::to_string(i) + " forget.index=" + index + " " + more);
    }
  }
  std::vector<std::int64_t> seeds(static_cast<std::size_t>(num_seeds));
  std::iota(seeds.begin(), seeds.end(), 0);
  return plan_with(cells, seeds);
}

std::vector<ChunkShare> shares_of(const Plan& plan, std::int64_t count) {
  std::vector<ChunkShare> shares;
  for (std::int64_t index = 1; index <= count; ++index) {
    shares.push_back(share_of(plan, {index, count}));
  }
  return shares;
}

/// Costs of chunks when the trees are cut at these places.
double largest(const std::vector<double>& costs, const std::vector<std::size_t>& ends) {
  double most = 0;
  std::size_t begin = 0;
  for (const std::size_t end : ends) {
    most = std::max(most, std::accumulate(costs.begin() + static_cast<std::ptrdiff_t>(begin),
                                          costs.begin() + static_cast<std::ptrdiff_t>(end), 0.0));
    begin = end;
  }
  return most;
}

}  // namespace

TEST_CASE("every tree, run and group is in exactly one chunk, and no chunk is empty") {
  int num_cuts = 0;
  for (const char* more : {"", "noise.repeats=2", "noise.orders=1..2", "pretrain.on=retain"}) {
    const Plan plan = plan_of(3, 4, more);
    for (std::int64_t count = 1; count <= 4; ++count, ++num_cuts) {
      const auto shares = shares_of(plan, count);
      std::vector<int> trees(plan.trees.size()), runs(plan.runs.size()), groups(plan.groups.size());
      std::int64_t num_rows = 0;
      for (const ChunkShare& share : shares) {
        CHECK(share.num_trees > 0);
        num_rows += share.num_measured_rows;
        for (std::size_t i = 0; i < trees.size(); ++i) {
          trees[i] += share.trees[i];
        }
        for (std::size_t i = 0; i < runs.size(); ++i) {
          runs[i] += share.runs[i];
          CHECK(share.runs[i] == share.trees[plan.runs[i].tree]);
        }
        for (std::size_t i = 0; i < groups.size(); ++i) {
          groups[i] += share.groups[i];
        }
      }
      CHECK(trees == std::vector<int>(trees.size(), 1));
      CHECK(runs == std::vector<int>(runs.size(), 1));
      CHECK(groups == std::vector<int>(groups.size(), 1));
      CHECK(num_rows == plan.totals.num_measured_rows);
    }
  }
  WARN("cuts: " << num_cuts);
}

TEST_CASE("models that a group compares are all in its chunk") {
  const Plan plan = plan_of(2, 5, "noise.repeats=1 noise.orders=1..2 noise.inits=7..8");
  REQUIRE(plan.groups.size() == plan.runs.size());

  const auto chunk_of_tree = cut_trees(plan, 5);

  for (const Group& group : plan.groups) {
    for (const Member& member : group.members) {
      CHECK(chunk_of_tree[plan.models[member.model].tree] == chunk_of_tree[plan.runs[group.run].tree]);
    }
  }
  CHECK(std::set<std::int64_t>(chunk_of_tree.begin(), chunk_of_tree.end()).size() == 5);
}

TEST_CASE("the costliest chunk is as cheap as any cut in plan order makes it") {
  Plan plan = plan_of(7, 1);
  const std::vector<double> costs = {5, 1, 9, 2, 2, 8, 3};
  for (Item& item : plan.items) {
    item.cost_s = item.kind == ItemKind::tree ? costs[item.index] : 0;
  }
  for (std::size_t first = 1; first < 6; ++first) {
    for (std::size_t second = first + 1; second < 7; ++second) {
      CHECK(share_of(plan, {1, 3}).largest_cost_s <= largest(costs, {first, second, 7}));
    }
  }

  const auto shares = shares_of(plan, 3);

  CHECK(shares[0].largest_cost_s == 13);
  CHECK(shares[0].cost_s + shares[1].cost_s + shares[2].cost_s == 30);
  CHECK(cut_trees(plan, 7) == std::vector<std::int64_t>{1, 2, 3, 4, 5, 6, 7});
  CHECK(cut_trees(plan, 1) == std::vector<std::int64_t>(7, 1));
}

TEST_CASE("trees of one pretraining stay together, and one that chunks share is counted in each") {
  const Plan plan = plan_of(3, 4);
  REQUIRE(plan.pretrainings.size() == 4);

  for (const ChunkShare& share : shares_of(plan, 4)) {
    CHECK(share.num_pretrainings == 1);
    CHECK(share.num_shared_pretrainings == 0);
    CHECK(share.num_trees == 3);
    CHECK(share.cost_s == Approx(plan.totals.cost_s / 4));
  }
  std::int64_t num_pretrainings = 0;
  for (const ChunkShare& share : shares_of(plan, 5)) {
    num_pretrainings += share.num_pretrainings;
  }
  CHECK(num_pretrainings > 4);
}

TEST_CASE("what cannot be cut so is refused with what can") {
  const Plan plan = plan_of(3, 2);

  CHECK_THAT(refusal_of([&] { (void)share_of(plan, {1, 7}); }), Catch::Contains("1..6"));
  CHECK_THAT(refusal_of([&] {
               (void)share_of(plan, {0, 2});
             }),
             Catch::Contains("--chunk 0/2") && Catch::Contains("1..2"));
  CHECK_THAT(refusal_of([&] { (void)share_of(plan, {3, 2}); }), Catch::Contains("1..2"));
  CHECK_THAT(refusal_of([&] { (void)share_of(plan, {1, 0}); }), Catch::Contains("--chunk 1/0"));
  const Plan joined = plan_of(3, 2, "noise.orders=1..2");
  const auto units = cut_trees(joined, 6);
  CHECK(std::set<std::int64_t>(units.begin(), units.end()).size() == 6);
  CHECK_THAT(refusal_of([&] { (void)share_of(joined, {1, 7}); }), Catch::Contains("comparison group"));
}
