// Plans of 100,000 runs: the time and memory that they take are printed; what is asserted is their shape. Debug and
// sanitizer builds plan a twentieth of them.
#include <sys/resource.h>

#include <chrono>
#include <iostream>

#include "fakes.hpp"
#include "support/catch.hpp"

using namespace unroll;
using namespace unroll::plan;

namespace {

#ifdef NDEBUG
constexpr int kScale = 1;
#else
constexpr int kScale = 20;
#endif

Plan timed_plan(const char* name, const config::Study& study, const Sources& sources) {
  const auto start = std::chrono::steady_clock::now();
  Plan plan = make_plan(study, sources);
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  std::cout << name << ": " << plan.runs.size() << " runs, " << plan.trees.size() << " trees planned in "
            << elapsed.count() << " s; peak memory " << usage.ru_maxrss / 1024 << " MB\n";
  return plan;
}

std::vector<std::string> grid(int num_rates, int num_indices, const std::string& kind) {
  std::vector<std::string> cells;
  for (int rate = 1; rate <= num_rates; ++rate) {
    for (int index = 0; index < num_indices; ++index) {
      cells.push_back("train.lr=" + shortest(0.001 * rate) + " forget.kind=" + kind +
                      " forget.index=" + std::to_string(index));
    }
  }
  return cells;
}

std::vector<std::int64_t> seeds(std::int64_t count) {
  std::vector<std::int64_t> values;
  for (std::int64_t seed = 0; seed < count; ++seed) {
    values.push_back(seed);
  }
  return values;
}

}  // namespace

TEST_CASE("many runs of one M share a tree") {
  const auto study = study_with(grid(20, 50, "batch"), seeds(100 / kScale));

  const Plan plan = timed_plan("1,000 cells x 100 seeds", study, fake_sources(fake_description(1797, 10)));

  CHECK(plan.trees.size() == 2000 / kScale);
  CHECK(plan.trees[0].forks.size() == 50);
}

TEST_CASE("a hundred thousand cells are planned") {
  const auto study = study_with(grid(1000 / kScale, 100, "examples"));

  const Plan plan = timed_plan("100,000 cells x 1 seed", study, fake_sources(fake_description(1797, 10)));

  CHECK(plan.trees.size() == 1000 / kScale);
}

TEST_CASE("a thousand shuffled orders of fifty thousand rows are planned") {
  auto cells = grid(2, 50, "batch");
  for (std::string& cell : cells) {
    cell += " order.kind=shuffled train.batch=128";
  }

  const Plan plan = timed_plan("100 cells x 1,000 seeds of 50,000 rows", study_with(cells, seeds(1000 / kScale)),
                               fake_sources(fake_description(50000, 10)));

  CHECK(plan.trees.size() == 2000 / kScale);
}
