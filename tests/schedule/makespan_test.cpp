// A study of unequal kinds of work, played out by a simulated clock: work takes as long as it was measured to take,
// whatever the scheduler believes. What it believes decides the order.
#include <algorithm>
#include <functional>
#include <numeric>

#include "support/catch.hpp"
#include "unroll/schedule/schedule.hpp"

using unroll::schedule::Chunk;
using unroll::schedule::Queue;
using unroll::schedule::WorkItem;

namespace {

/// A tree as the arithmetic sees it, and how long it takes.
struct Tree {
  const char* kind;
  double flop;
  double seconds;
};

// CPU seconds on 2026-11-23 (src/plan/rates.hpp). An mlp 64-64-10 takes 15.6 us for a step of 0.91 Mflop (batch 32) and
// 317 us for a row of results with 5.7 Mflop of outputs; resnet18 takes 1.04 s for a step of 107 Gflop and 1.07 s for a
// Hessian-vector product of 53 Gflop (8 rows).
Tree mlp_that_trains(double steps) { return {"mlp", steps * 0.91e6, steps * 15.6e-6}; }
Tree mlp_that_measures(double rows) { return {"mlp", rows * 5.7e6, rows * 317e-6}; }
Tree resnet_that_trains(double steps) { return {"resnet18", steps * 107e9, steps * 1.04}; }
Tree resnet_with_curvature(double products) { return {"resnet18", products * 53e9, products * 1.07}; }

double makespan(const std::vector<Tree>& trees, int num_ranks, const std::function<double(const Tree&)>& belief) {
  std::vector<WorkItem> items(trees.size());
  for (std::size_t i = 0; i < trees.size(); ++i) {
    items[i].pack_key = trees[i].kind;
    items[i].num_lanes = 6;
    items[i].cost = items[i].priority = belief(trees[i]);
  }
  Queue queue(items, num_ranks, 64);
  std::vector<double> free_s(static_cast<std::size_t>(num_ranks), 0);
  while (true) {
    const auto rank = std::min_element(free_s.begin(), free_s.end());
    const auto chunk = queue.take(static_cast<int>(rank - free_s.begin()));
    REQUIRE(chunk);
    if (chunk->finished) {
      return *std::max_element(free_s.begin(), free_s.end());
    }
    for (const std::size_t item : chunk->items) {
      *rank += trees[item].seconds;
      queue.finish(item, "");
    }
  }
}

double work(const std::vector<Tree>& trees) {
  return std::accumulate(trees.begin(), trees.end(), 0.0,
                         [](double sum, const Tree& tree) { return sum + tree.seconds; });
}

const auto by_flop = [](const Tree& tree) { return tree.flop; };
/// Wrong by a tenth in either direction, as an estimate is.
const auto by_seconds = [](const Tree& tree) {
  return tree.seconds * (static_cast<std::int64_t>(tree.flop / 1e5) % 2 == 0 ? 0.9 : 1.1);
};

}  // namespace

TEST_CASE("measured costs put curvature before training, which arithmetic puts last") {
  std::vector<Tree> trees;
  for (int i = 0; i < 8; ++i) {
    trees.push_back(resnet_that_trains(60 + i % 2));
  }
  trees.push_back(resnet_with_curvature(110));

  const double with_flop = makespan(trees, 2, by_flop), with_seconds = makespan(trees, 2, by_seconds);

  CHECK(with_seconds < 0.95 * with_flop);
  CHECK(with_seconds < 1.05 * work(trees) / 2);
}

TEST_CASE("measured costs share out small nets that measure much") {
  std::vector<Tree> trees;
  for (int i = 0; i < 6; ++i) {
    trees.push_back(mlp_that_measures(4000 + i));
  }
  for (int i = 0; i < 40; ++i) {
    trees.push_back(mlp_that_trains(30000 + i));
  }

  for (const int ranks : {2, 3, 4}) {
    INFO(ranks << " ranks");
    const double with_flop = makespan(trees, ranks, by_flop), with_seconds = makespan(trees, ranks, by_seconds);

    CHECK(with_seconds < 1.01 * with_flop);
    CHECK(with_seconds < 1.1 * work(trees) / ranks);
  }
}
