// The twin of w_0, and the distances of a comparison group.
#include <cmath>
#include <limits>

#include "execute/group_distances.hpp"
#include "execute/twin.hpp"
#include "support/catch.hpp"
#include "unroll/metrics/distances.hpp"
#include "unroll/model/layout.hpp"

namespace unroll::execute {
namespace {

model::Layout layout_with_filters() {
  model::Layout layout;
  layout.add_parameter("conv.weight", {2, 3, 3, 3}, 1);
  layout.add_parameter("bn.weight", {2}, 0, 1);
  layout.add_parameter("fc.weight", {4, 2}, 1);
  return layout;
}

template <typename Real>
void check_twin(torch::ScalarType dtype) {
  auto weights = torch::linspace(-2, 3, 1000, torch::kFloat64).to(dtype);
  weights[0] = 0;
  weights[1] = std::numeric_limits<double>::infinity();
  weights[2] = std::numeric_limits<double>::quiet_NaN();
  const model::State start{weights, torch::ones({3}, dtype)};

  const auto twin = ulp_twin(start, 7), again = ulp_twin(start, 7), other = ulp_twin(start, 8);

  const Real* from = weights.data_ptr<Real>();
  const Real* to = twin.weights.data_ptr<Real>();
  std::int64_t num_up = 0;
  for (std::int64_t i = 0; i < 1000; ++i) {
    if (i == 1 || i == 2) {
      CHECK((to[i] == from[i] || (std::isnan(to[i]) && std::isnan(from[i]))));
      continue;
    }
    CHECK(to[i] != from[i]);
    CHECK(std::nextafter(from[i], to[i]) == to[i]);
    num_up += to[i] > from[i] ? 1 : 0;
  }
  CHECK(num_up > 400);
  CHECK(num_up < 600);
  CHECK(torch::equal(twin.buffers, start.buffers));
  CHECK(torch::equal(twin.weights.slice(0, 3), again.weights.slice(0, 3)));
  CHECK_FALSE(torch::equal(twin.weights.slice(0, 3), other.weights.slice(0, 3)));
}

TEST_CASE("a twin differs from w_0 by one ulp in every finite weight, up and down, by its seed alone") {
  check_twin<float>(torch::kFloat32);
  check_twin<double>(torch::kFloat64);
}

TEST_CASE("a group's distances are those of its pairs, in their order and in mixed precision") {
  const auto layout = layout_with_filters();
  const auto a = model::initial_state(layout, 1, torch::kFloat32).weights;
  const auto b = model::initial_state(layout, 2, torch::kFloat32).weights;
  const auto c = b.to(torch::kFloat64) + 1e-9;

  const auto distances = group_distances(layout, {a, b, c, b});

  REQUIRE(distances.size() == 6);
  const auto between = [](const torch::Tensor& x, const torch::Tensor& y) {
    return (x.to(torch::kFloat64) - y.to(torch::kFloat64)).norm().item<double>();
  };
  CHECK(distances[0] == Approx(between(a, b)).epsilon(1e-13));
  CHECK(distances[1] == Approx(between(a, c)).epsilon(1e-13));
  CHECK(distances[3] == Approx(between(b, c)).epsilon(1e-13));  // never rounded to float32
  CHECK(distances[4] == 0.0);
}

TEST_CASE("normalised distances do not see the scale of a filter, and see all else") {
  const auto layout = layout_with_filters();
  const auto a = model::initial_state(layout, 1, torch::kFloat64).weights;
  const auto b = model::initial_state(layout, 2, torch::kFloat64).weights;
  auto scaled = a.clone();
  scaled.narrow(0, 0, 27).mul_(3);
  scaled.narrow(0, 27, 27).mul_(0.5);
  auto moved = a.clone();
  moved.narrow(0, 56, 1).add_(1);
  auto silent = a.clone();
  silent.narrow(0, 0, 27).zero_();

  const auto distances = normalised_distances(layout, {a, b, scaled, moved, silent}, 0);

  CHECK(distances[1] == Approx(0).margin(1e-14));              // a, scaled
  CHECK(distances[0] == Approx(distances[4]).epsilon(1e-13));  // a, b; b, scaled
  CHECK(distances[0] < group_distances(layout, {b, scaled})[0]);
  CHECK(distances[2] == Approx(1).epsilon(1e-13));                                         // a, moved
  CHECK(distances[3] == Approx(a.narrow(0, 0, 27).norm().item<double>()).epsilon(1e-13));  // a filter of norm 0
}

TEST_CASE("a model that diverged is not finite away from the others") {
  const auto layout = layout_with_filters();
  const auto a = model::initial_state(layout, 1, torch::kFloat32).weights;
  auto lost = a.clone();
  lost[5] = std::numeric_limits<float>::quiet_NaN();

  const auto distances = group_distances(layout, {a, lost, a});

  CHECK_FALSE(std::isfinite(distances[0]));
  CHECK(distances[1] == 0.0);
}

}  // namespace
}  // namespace unroll::execute
