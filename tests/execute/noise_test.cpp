// The twin of w_0, and the distances of a comparison group.
#include <cmath>
#include <limits>

#include "execute/group_distances.hpp"
#include "execute/twin.hpp"
#include "support/catch.hpp"
#include "support/tensors.hpp"
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

WideWeights wide(const torch::Tensor& weights) {
  const auto values = weights.to(torch::kFloat64).contiguous();
  return {values.data_ptr<double>(), values.data_ptr<double>() + values.numel()};
}

std::vector<double> distances_of(const model::Layout& layout, const std::vector<torch::Tensor>& models,
                                 bool normalises = false) {
  std::vector<GroupRow> rows;
  for (const auto& model : models) {
    rows.push_back({static_cast<std::int64_t>(rows.size()), wide(model)});
    if (normalises) {
      scale_filters(layout, wide(models.front()), rows.back().weights);
    }
  }
  const auto gatherer = gather::make_local_gatherer({});
  return group_distances(*gatherer, layout, static_cast<std::int64_t>(models.size()), rows);
}

double between(const torch::Tensor& x, const torch::Tensor& y) {
  return (x.to(torch::kFloat64) - y.to(torch::kFloat64)).norm().item<double>();
}

TEST_CASE("a group's distances are those of its pairs, in their order, and M'' is never rounded to float32") {
  const auto layout = layout_with_filters();
  const auto a = model::initial_state(layout, 1, torch::kFloat32).weights;
  const auto b = model::initial_state(layout, 2, torch::kFloat32).weights;
  const auto c = model::initial_state(layout, 3, torch::kFloat32).weights;
  const auto unlearned = b.to(torch::kFloat64) + 1e-9;

  const auto distances = distances_of(layout, {unlearned, b, a, c, b});

  REQUIRE(distances.size() == 10);
  CHECK(distances[0] == Approx(between(unlearned, b)).epsilon(1e-12));
  CHECK(distances[1] == Approx(between(unlearned, a)).epsilon(1e-12));
  CHECK(distances[4] == Approx(between(b, a)).epsilon(1e-6));
  CHECK(distances[7] == Approx(between(a, c)).epsilon(1e-6));
  CHECK(distances[6] == 0.0);  // b, b
}

TEST_CASE("the gather's direct distances have the bits of those measured inside a tree") {
  model::Layout layout;
  layout.add_parameter("large.weight", {3, 50'000}, 1);  // more than two blocks
  layout.add_parameter("small.weight", {7}, 1);
  for (const auto dtype : {torch::kFloat32, torch::kFloat64}) {
    const auto a = test::normal({layout.num_parameters}, 1, dtype), b = test::normal({layout.num_parameters}, 2, dtype);
    const auto none = torch::zeros({layout.num_parameters}, torch::kFloat64);
    const auto inside = metrics::pair_distances(layout, a, b, none, a);
    gather::Request request;
    request.num_models = 2;
    request.tensor_sizes = {150'000, 7};
    request.element = dtype == torch::kFloat64 ? gather::Element::float64 : gather::Element::float32;
    request.all_pairs = false;
    request.direct = {{0, 1}};
    request.layers = true;
    const auto row = [&](std::int64_t model, const torch::Tensor& weights) -> gather::Row {
      const auto size = static_cast<std::size_t>(weights.numel());
      return dtype == torch::kFloat64 ? gather::Row{model, std::span<const double>(weights.data_ptr<double>(), size)}
                                      : gather::Row{model, std::span<const float>(weights.data_ptr<float>(), size)};
    };

    const auto found = gather::make_local_gatherer({})->distances(request, std::vector{row(0, a), row(1, b)});

    CHECK(found.direct.squared[0] == inside.total.no_unlearning);
    CHECK(found.direct_layers[0].squared[0] == inside.layers[0].no_unlearning);
    CHECK(found.direct_layers[1].squared[0] == inside.layers[1].no_unlearning);
  }
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

  const auto distances = distances_of(layout, {a, b, scaled, moved, silent}, true);

  CHECK(distances[1] == Approx(0).margin(1e-14));             // a, scaled
  CHECK(distances[0] == Approx(distances[4]).epsilon(1e-6));  // a, b; b, scaled
  CHECK(distances[0] < between(b, scaled));
  CHECK(distances[2] == Approx(1).epsilon(1e-12));                                     // a, moved
  CHECK(distances[3] == Approx(between(a.narrow(0, 0, 27), 0 * a.narrow(0, 0, 27))));  // a filter of norm 0
}

TEST_CASE("a model that diverged is not finite away from the others, which do not notice") {
  const auto layout = layout_with_filters();
  const auto a = model::initial_state(layout, 1, torch::kFloat32).weights;
  const auto b = model::initial_state(layout, 2, torch::kFloat32).weights;
  auto lost = a.clone();
  lost[5] = std::numeric_limits<float>::quiet_NaN();

  const auto distances = distances_of(layout, {a, lost, b, b});

  CHECK_FALSE(std::isfinite(distances[0]));
  CHECK(distances[1] == Approx(between(a, b)).epsilon(1e-12));
  CHECK_FALSE(std::isfinite(distances[3]));
  CHECK(distances[5] == 0.0);
}

}  // namespace
}  // namespace unroll::execute
