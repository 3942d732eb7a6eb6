// The SGD step of a GPU, held on a CPU to the loop that a CPU runs, and to itself: a lane's bits are its own.
#include "learn/sgd.hpp"

#include "support/catch.hpp"
#include "support/tensors.hpp"

using namespace unroll;
using namespace unroll::learn;

namespace {

const std::vector<kernel::Update> kRules = {{0.1, 0, 0},      {0.02, 0.9, 0},    {0.03, 0.9, 0}, {0.1, 0, 5e-4},
                                            {0.2, 0.5, 5e-4}, {0.05, 0.9, 1e-3}, {0.07, 0, 1e-3}};
constexpr std::int64_t kSize = 1000;
constexpr int kSteps = 4;

torch::Tensor numbers(std::int64_t lanes, int seed, torch::ScalarType dtype) {
  torch::manual_seed(static_cast<std::uint64_t>(seed));
  return torch::randn({lanes, kSize}, torch::kFloat64).to(dtype);
}

/// Weights of these lanes after some steps, taken together.
torch::Tensor trained(const std::vector<std::int64_t>& lanes, torch::ScalarType dtype) {
  const auto index = torch::tensor(lanes);
  const auto pick = [&](const torch::Tensor& all) { return all.index_select(0, index).clone(); };
  const auto count = static_cast<std::int64_t>(kRules.size());
  auto weights = pick(numbers(count, 1, dtype)), velocities = torch::zeros_like(weights);
  std::vector<kernel::Update> rules;
  for (const auto lane : lanes) {
    rules.push_back(kRules[static_cast<std::size_t>(lane)]);
  }
  SgdOnTensors sgd;
  for (int step = 0; step < kSteps; ++step) {
    for (auto& rule : rules) {
      rule.lr *= 0.9;  // a schedule
    }
    sgd.step(3, rules, weights, velocities, pick(numbers(count, 10 + step, dtype)));
  }
  return weights;
}

}  // namespace

TEST_CASE("SGD on tensors is SGD by the loop, to rounding") {
  const auto count = static_cast<std::int64_t>(kRules.size());
  const auto together = trained({0, 1, 2, 3, 4, 5, 6}, torch::kFloat64);
  auto weights = numbers(count, 1, torch::kFloat64), velocities = torch::zeros_like(weights);
  for (int step = 0; step < kSteps; ++step) {
    const auto gradients = numbers(count, 10 + step, torch::kFloat64);
    for (std::int64_t lane = 0; lane < count; ++lane) {
      auto rule = kRules[static_cast<std::size_t>(lane)];
      for (int i = 0; i <= step; ++i) {
        rule.lr *= 0.9;
      }
      kernel::update<double>(rule, kSize, gradients[lane].data_ptr<double>(),
                             rule.momentum != 0 ? velocities[lane].data_ptr<double>() : nullptr,
                             weights[lane].data_ptr<double>());
    }
  }
  CHECK(test::apart(together, weights) < 1e-13);
}

TEST_CASE("a lane's bits do not depend on its place or on the lanes beside it") {
  for (const auto dtype : {torch::kFloat32, torch::kFloat64}) {
    const auto together = trained({0, 1, 2, 3, 4, 5, 6}, dtype);
    const auto mixed = trained({5, 2, 6, 0, 4, 1, 3}, dtype);
    const std::vector<std::int64_t> places = {3, 5, 1, 6, 4, 0, 2};
    for (std::int64_t lane = 0; lane < 7; ++lane) {
      CHECK(torch::equal(trained({lane}, dtype)[0], together[lane]));
      CHECK(torch::equal(mixed[places[static_cast<std::size_t>(lane)]], together[lane]));
    }
  }
}
