#include "unroll/metrics/distances.hpp"

#include "support/catch.hpp"
#include "support/tensors.hpp"
#include "unroll/base/block_sum.hpp"

namespace unroll::metrics {
namespace {

model::Layout layout_of(std::vector<std::int64_t> sizes) {
  model::Layout layout;
  for (const auto size : sizes) {
    layout.add_parameter(std::to_string(layout.parameters.size()), {size}, 1);
  }
  return layout;
}

TEST_CASE("The distances of a hand-made pair") {
  const auto layout = layout_of({1, 1});
  const auto original = torch::tensor({1.0, 2.0}, torch::kFloat64);
  const auto retrained = torch::tensor({4.0, 6.0}, torch::kFloat64);
  const auto correction = torch::tensor({3.0, 0.0}, torch::kFloat64);
  const auto start = torch::tensor({1.0, 0.0}, torch::kFloat64);

  const auto distances = pair_distances(layout, original, retrained, correction, start);

  CHECK(distances.total.no_unlearning == 25);
  CHECK(distances.total.verification == 16);
  CHECK(distances.total.correction == 9);
  CHECK(distances.total.retrained == 52);
  CHECK(distances.total.from_start == 4);
  CHECK(distances.total.cross == 9);
  REQUIRE(distances.layers.size() == 2);
  CHECK(distances.layers[0].verification == 0);
  CHECK(distances.layers[1].no_unlearning == 16);
}

TEST_CASE("Distances of large float32 vectors agree with a float64 reference to 1e-12") {
  const auto layout = layout_of({200'000, 7, 65'536, 65'537});
  const auto size = layout.num_parameters;
  const auto original = test::normal({size}, 1, torch::kFloat32);
  const auto retrained = original + 1e-4 * test::normal({size}, 2, torch::kFloat32);
  const auto correction = 1e-5 * test::normal({size}, 3, torch::kFloat64);

  const auto total = pair_distances(layout, original, retrained, correction, original).total;

  const auto apart = original.to(torch::kFloat64) - retrained.to(torch::kFloat64);
  CHECK(total.no_unlearning == Approx(apart.square().sum().item<double>()).epsilon(1e-12));
  CHECK(total.verification == Approx((apart + correction).square().sum().item<double>()).epsilon(1e-12));
  CHECK(total.cross == Approx(-(apart * correction).sum().item<double>()).epsilon(1e-10));
  CHECK(total.from_start == 0);
}

TEST_CASE("Equal weights are exactly 0 apart, and an ulp shows") {
  const auto layout = layout_of({1000});
  const auto w = test::normal({1000}, 4, torch::kFloat32);
  auto moved = w.clone();
  moved[500] = std::nextafter(moved[500].item<float>(), 10.0F);
  const auto zero = torch::zeros({1000}, torch::kFloat64);

  CHECK(pair_distances(layout, w, w.clone(), zero, w).total.verification == 0);
  CHECK(pair_distances(layout, w, moved, zero, w).total.verification > 0);
  CHECK(squared_distance(torch::empty({0}), torch::empty({0})) == 0);
}

TEST_CASE("Block sums add whole blocks in index order") {
  // Near 2^53 the order of additions shows: a different grouping would give another sum.
  const std::int64_t count = 2 * kBlockSize + 3;
  const auto value = [](std::int64_t i) { return i == 0 ? 9007199254740992.0 : 1.0; };
  double expected = 0;
  for (std::int64_t start = 0; start < count; start += kBlockSize) {
    double ways[8] = {};
    for (std::int64_t i = start; i < std::min(count, start + kBlockSize); ++i) {
      ways[(i - start) % 8] += value(i);
    }
    double block = 0;
    for (const double way : ways) {
      block += way;
    }
    expected += block;
  }

  const auto sums = block_sum<1>(count, [&](std::int64_t i, std::int64_t n, Ways* sum) {
    for (std::int64_t way = 0; way < n; ++way) {
      sum[0][way] += value(i + way);
    }
  });
  CHECK(sums[0] == expected);
}

}  // namespace
}  // namespace unroll::metrics
