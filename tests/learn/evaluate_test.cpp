#include "unroll/learn/evaluate.hpp"

#include <numeric>

#include "support/catch.hpp"
#include "support/small_set.hpp"
#include "support/tensors.hpp"

namespace unroll::learn {
namespace {

TEST_CASE("Evaluation gives every row's logits in order, in chunks") {
  config::Settings::Model settings;
  settings.hidden = {7};
  const data::ResidentData data(test::small_set(600, {6}, 3), config::Dtype::float64);
  const auto network = model::make_network(settings, {6}, 3);
  const auto state = model::initial_state(network->layout(), 1, torch::kFloat64);
  std::vector<std::int64_t> rows(600);
  std::iota(rows.begin(), rows.end(), 0);

  const auto logits = evaluate(*network, state, data, data::Part::train, rows);

  const auto expected = network->logits(network->views(state.weights), state.buffers,
                                        data.inputs(data::Part::train, rows), model::Statistics::running);
  CHECK(logits.sizes() == expected.sizes());
  CHECK(test::apart(logits, expected) < 1e-13);
  CHECK(evaluate(*network, state, data, data::Part::train, {}).size(0) == 0);
}

TEST_CASE("Re-estimated BatchNorm statistics are the batch's own mean and unbiased variance") {
  config::Settings::Model settings;
  settings.arch = config::Arch::resnet18;
  const data::ResidentData data(test::small_set(6, {3, 32, 32}, 3), config::Dtype::float64);
  const auto network = model::make_network(settings, {3, 32, 32}, 3);
  const auto state = model::initial_state(network->layout(), 1, torch::kFloat64);
  const std::vector<std::int64_t> rows{0, 1, 2, 3, 4};

  const auto buffers = reestimated_buffers(*network, state, data, rows);

  const auto first = torch::conv2d(data.inputs(data::Part::train, rows), network->views(state.weights)[0], {}, 1, 1);
  const auto mean = first.mean(std::vector<std::int64_t>{0, 2, 3});
  const auto variance = first.permute({1, 0, 2, 3}).flatten(1).var(1, true);
  CHECK(test::apart(buffers.narrow(0, 0, 64), mean) < 1e-12);
  CHECK(test::apart(buffers.narrow(0, 64, 64), variance) < 1e-12);
}

}  // namespace
}  // namespace unroll::learn
