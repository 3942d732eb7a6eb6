#include "unroll/model/network.hpp"

#include <torch/csrc/autograd/autograd.h>

#include "support/catch.hpp"
#include "support/tensors.hpp"

namespace unroll::model {
namespace {

struct Case {
  config::Arch arch;
  config::Activation activation;
  torch::ScalarType dtype;
  std::int64_t rows;
};

std::shared_ptr<const Network> network_of(const Case& c) {
  config::Settings::Model model;
  model.arch = c.arch;
  model.activation = c.activation;
  model.hidden = {13, 7};
  const bool images = c.arch == config::Arch::resnet18 || c.arch == config::Arch::vgg19;
  return make_network(model, images ? std::vector<std::int64_t>{3, 32, 32} : std::vector<std::int64_t>{11}, 5);
}

struct Batch {
  torch::Tensor weights, buffers, inputs, labels;
  std::vector<LossSpec> losses;
};

Batch batch_of(const Network& network, const Case& c, std::int64_t lanes, std::vector<std::int64_t> shape) {
  std::vector<torch::Tensor> weights, buffers;
  Batch batch;
  for (std::int64_t lane = 0; lane < lanes; ++lane) {
    const auto state = initial_state(network.layout(), static_cast<std::uint64_t>(lane), c.dtype);
    weights.push_back(state.weights * 3);
    buffers.push_back(state.buffers);
    constexpr config::LossKind kKinds[] = {config::LossKind::sd, config::LossKind::sd, config::LossKind::hess};
    batch.losses.push_back(
        {static_cast<double>(lane % 3 * 2), static_cast<double>(c.rows), kKinds[static_cast<std::size_t>(lane % 3)]});
  }
  batch.weights = lane_slabs(lanes, {network.layout().num_parameters}, c.dtype);
  batch.weights.copy_(torch::stack(weights));
  batch.buffers = torch::stack(buffers);
  shape.insert(shape.begin(), c.rows);
  batch.inputs = lane_slabs(lanes, shape, c.dtype);
  batch.inputs.copy_(test::normal(batch.inputs.sizes().vec(), 5, c.dtype));
  batch.labels = test::labels({lanes, c.rows}, 5, 6);
  return batch;
}

torch::Tensor gradients_of(const Network& network, const Batch& b, std::int64_t first, std::int64_t count) {
  auto gradients = lane_slabs(count, {b.weights.size(1)}, b.weights.scalar_type());
  auto buffers = b.buffers.narrow(0, first, count).clone();
  network.gradients(
      {b.weights.narrow(0, first, count), buffers, b.inputs.narrow(0, first, count), b.labels.narrow(0, first, count),
       std::span(b.losses).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count))},
      Statistics::update, gradients);
  return gradients;
}

TEST_CASE("The folded backward pass equals autograd's, lane by lane") {
  for (const auto activation : {config::Activation::relu, config::Activation::tanh, config::Activation::silu}) {
    for (const auto arch : {config::Arch::linear, config::Arch::mlp}) {
      const Case c{arch, activation, torch::kFloat64, 9};
      const auto network = network_of(c);
      const auto batch = batch_of(*network, c, 4, {11});

      const auto folded = gradients_of(*network, batch, 0, 4);

      for (std::int64_t lane = 0; lane < 4; ++lane) {
        const auto flat = batch.weights[lane].clone().requires_grad_();
        const auto z =
            network->logits(network->views(flat), batch.buffers[lane], batch.inputs[lane], Statistics::update);
        const auto value = loss(z, batch.labels[lane], batch.losses[static_cast<std::size_t>(lane)]);
        CHECK(test::apart(folded[lane], torch::autograd::grad({value}, {flat})[0]) < 1e-13);
      }
    }
  }
}

torch::Tensor folded_of(const Network& network, const Batch& b) {
  auto gradients = torch::zeros_like(b.weights);
  network.folded_gradients({b.weights, b.buffers, b.inputs, b.labels, b.losses}, Statistics::update, gradients);
  return gradients;
}

TEST_CASE("Lanes folded into LibTorch's operations, as on GPUs, have the gradients of lanes one after another") {
  for (const auto activation : {config::Activation::relu, config::Activation::tanh, config::Activation::silu}) {
    for (const auto arch : {config::Arch::linear, config::Arch::mlp}) {
      const Case c{arch, activation, torch::kFloat64, 9};
      const auto network = network_of(c);
      const auto batch = batch_of(*network, c, 5, {11});
      const auto apart = gradients_of(*network, batch, 0, 5), folded = folded_of(*network, batch);
      for (std::int64_t lane = 0; lane < 5; ++lane) {
        CHECK(test::apart(folded[lane], apart[lane]) < 1e-13);
      }
    }
  }
  for (const auto arch : {config::Arch::resnet18, config::Arch::vgg19}) {
    const Case c{arch, config::Activation::relu, torch::kFloat64, 3};
    const auto network = network_of(c);
    auto batch = batch_of(*network, c, 2, {3, 32, 32});
    auto buffers = batch.buffers.clone();
    std::swap(batch.buffers, buffers);
    const auto apart = gradients_of(*network, batch, 0, 2);
    auto left = torch::zeros_like(batch.weights);
    network->gradients({batch.weights, buffers, batch.inputs, batch.labels, batch.losses}, Statistics::update, left);

    const auto folded = folded_of(*network, batch);

    CHECK(test::same_bits(left, apart));
    CHECK(test::apart(batch.buffers, buffers) < 1e-13);
    for (std::int64_t lane = 0; lane < 2; ++lane) {
      CHECK(test::apart(folded[lane], apart[lane]) < 1e-11);
    }
  }
}

TEST_CASE("A lane's bits depend neither on the number of lanes nor on its position") {
  std::int64_t num_compared = 0;
  for (const auto activation : {config::Activation::relu, config::Activation::tanh, config::Activation::silu}) {
    for (const auto arch : {config::Arch::linear, config::Arch::mlp}) {
      for (const auto dtype : {torch::kFloat32, torch::kFloat64}) {
        for (const std::int64_t rows : {1, 15, 32}) {
          const Case c{arch, activation, dtype, rows};
          const auto network = network_of(c);
          const auto batch = batch_of(*network, c, 33, {11});
          const auto all = gradients_of(*network, batch, 0, 33);
          for (const std::int64_t count : {1, 2, 3, 8, 17}) {
            for (const std::int64_t first : {std::int64_t{0}, std::int64_t{1}, 33 - count}) {
              INFO(static_cast<int>(arch) << " " << static_cast<int>(activation) << " " << rows << " rows, lanes "
                                          << first << " +" << count << ", " << c10::toString(dtype));
              CHECK(test::same_bits(gradients_of(*network, batch, first, count), all.narrow(0, first, count)));
              ++num_compared;
            }
          }
        }
      }
    }
  }
  CHECK(num_compared == 3 * 2 * 2 * 3 * 15);
}

TEST_CASE("A convolutional net's lanes have the bits of single models, and batch statistics leave buffers alone") {
  const Case c{config::Arch::resnet18, config::Activation::relu, torch::kFloat32, 3};
  const auto network = network_of(c);
  const auto batch = batch_of(*network, c, 2, {3, 32, 32});

  const auto both = gradients_of(*network, batch, 0, 2);

  for (std::int64_t lane = 0; lane < 2; ++lane) {
    CHECK(test::same_bits(gradients_of(*network, batch, lane, 1)[0], both[lane]));
    const State state{batch.weights[lane], batch.buffers[lane].clone()};
    const auto alone = gradient(*network, state, batch.inputs[lane], batch.labels[lane],
                                batch.losses[static_cast<std::size_t>(lane)], Statistics::batch);
    CHECK(test::same_bits(alone, both[lane]));
    CHECK(test::same_bits(state.buffers, batch.buffers[lane]));
  }
}

TEST_CASE("Softmax regression's gradient equals the hand-written one in float64 to 1e-12") {
  const Case c{config::Arch::linear, config::Activation::relu, torch::kFloat64, 9};
  const auto network = network_of(c);
  const auto batch = batch_of(*network, c, 1, {11});
  const auto x = batch.inputs[0];
  const auto parts = network->views(batch.weights[0]);
  const auto p = torch::softmax(torch::matmul(x, parts[0].t()) + parts[1], 1);
  const auto slope = (p - torch::one_hot(batch.labels[0], 5)) / 9;
  const auto expected = torch::cat({torch::matmul(slope.t(), x).flatten(), slope.sum(0)});

  const auto gradients = gradients_of(*network, batch, 0, 1);

  CHECK(test::apart(gradients[0], expected) < 1e-12);
}

}  // namespace
}  // namespace unroll::model
