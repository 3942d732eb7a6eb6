#pragma once
// Softmax regression in float64 on thirty rows, with gradients written out by the textbook formula.
#include "support/small_set.hpp"
#include "support/tensors.hpp"
#include "unroll/unlearn/forgotten_gradient.hpp"
#include "unroll/unlearn/unlearner.hpp"

namespace unroll::unlearn {

struct Fixture {
  config::Settings settings;
  std::shared_ptr<const data::ResidentData> data =
      std::make_shared<const data::ResidentData>(test::small_set(30, {5}, 3), config::Dtype::float64);
  std::shared_ptr<const model::Network> network;
  model::State start, later, last;

  Fixture() {
    settings.model.arch = config::Arch::linear;
    settings.model.dtype = config::Dtype::float64;
    settings.train.batch = 4;
    network = model::make_network(settings.model, {5}, 3);
    start = model::initial_state(network->layout(), 1, torch::kFloat64);
    later = model::initial_state(network->layout(), 2, torch::kFloat64);
    last = model::initial_state(network->layout(), 3, torch::kFloat64);
  }
  [[nodiscard]] std::shared_ptr<ForgottenGradient> gradient() const {
    return std::make_shared<ForgottenGradient>(network, data, settings, start);
  }
  [[nodiscard]] std::unique_ptr<Unlearner> unlearner() const { return make_unlearner(settings, start, gradient()); }

  /// Gradient of the sum over rows, divided by `denominator`, by the textbook formula.
  [[nodiscard]] torch::Tensor by_hand(const model::State& at, const std::vector<std::int64_t>& rows,
                                      double denominator) const {
    const auto parts = network->views(at.weights);
    const auto x = data->inputs(data::Part::train, rows);
    const auto p = torch::softmax(torch::matmul(x, parts[0].t()) + parts[1], 1);
    const auto slope = (p - torch::one_hot(data->labels(data::Part::train, rows), 3)) / denominator;
    return torch::cat({torch::matmul(slope.t(), x).flatten(), slope.sum(0)});
  }
};

inline Touch touch_of(std::int64_t step, double lr, std::vector<std::int64_t> left,
                      std::vector<std::int64_t> forgotten) {
  Touch touch;
  touch.step = step;
  touch.lr = lr;
  touch.rows_left = left;
  touch.rows_forgotten = forgotten;
  touch.rows = std::move(left);
  touch.rows.insert(touch.rows.end(), forgotten.begin(), forgotten.end());
  return touch;
}

}  // namespace unroll::unlearn
