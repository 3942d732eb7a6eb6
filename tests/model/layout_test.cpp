#include "unroll/model/layout.hpp"

#include <algorithm>

#include "support/catch.hpp"
#include "support/tensors.hpp"
#include "unroll/base/error.hpp"
#include "unroll/model/network.hpp"
#include "unroll/plan/plan.hpp"

namespace unroll::model {
namespace {

config::Settings::Model model_of(config::Arch arch) {
  config::Settings::Model model;
  model.arch = arch;
  return model;
}

std::int64_t num_parameters(config::Arch arch, std::vector<std::int64_t> shape, std::int64_t classes) {
  return make_network(model_of(arch), shape, classes)->layout().num_parameters;
}

TEST_CASE("The paper's CIFAR nets have the paper's number of parameters") {
  CHECK(num_parameters(config::Arch::resnet18, {3, 32, 32}, 10) == 11'173'962);
  CHECK(num_parameters(config::Arch::resnet18, {3, 32, 32}, 100) == 11'220'132);
  CHECK(num_parameters(config::Arch::vgg19, {3, 32, 32}, 10) == 20'040'522);
  CHECK(num_parameters(config::Arch::vgg19, {3, 32, 32}, 100) == 20'086'692);
  CHECK(num_parameters(config::Arch::linear, {768}, 2) == 768 * 2 + 2);
  CHECK(num_parameters(config::Arch::mlp, {64}, 10) == 64 * 64 + 64 + 64 * 10 + 10);
}

TEST_CASE("The plan's arithmetic knows the networks' sizes") {
  for (const auto arch : {config::Arch::linear, config::Arch::mlp, config::Arch::resnet18, config::Arch::vgg19}) {
    const auto network = make_network(model_of(arch), {3, 32, 32}, 10);

    const auto size = plan::model_size(model_of(arch), {3, 32, 32}, 10);

    CHECK(size.num_parameters == network->layout().num_parameters);
    CHECK(size.num_buffers == network->layout().num_buffers);
  }
}

TEST_CASE("Parameters carry the names of a PyTorch state_dict") {
  const auto names = [](config::Arch arch) {
    std::vector<std::string> all;
    const auto network = make_network(model_of(arch), {3, 32, 32}, 10);
    for (const auto& spec : network->layout().parameters) {
      all.push_back(spec.name);
    }
    return all;
  };
  const auto has = [](const std::vector<std::string>& all, const std::string& name) {
    return std::find(all.begin(), all.end(), name) != all.end();
  };

  CHECK(names(config::Arch::linear) == std::vector<std::string>{"fc.weight", "fc.bias"});
  CHECK(names(config::Arch::mlp) == std::vector<std::string>{"fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"});
  CHECK(has(names(config::Arch::resnet18), "layer2.0.shortcut.0.weight"));
  CHECK(has(names(config::Arch::resnet18), "linear.bias"));
  CHECK(has(names(config::Arch::vgg19), "features.49.weight"));
  CHECK(has(names(config::Arch::vgg19), "classifier.weight"));
}

TEST_CASE("Initial weights are uniform within 1 / sqrt fan_in, equal for equal seeds and for both dtypes") {
  const auto network = make_network(model_of(config::Arch::mlp), {64}, 10);

  const auto state = initial_state(network->layout(), 7, torch::kFloat64);
  const auto single = initial_state(network->layout(), 7, torch::kFloat32);
  const auto other = initial_state(network->layout(), 8, torch::kFloat64);

  CHECK(state.weights.abs().max().item<double>() <= 0.125);
  CHECK(state.weights.abs().max().item<double>() > 0.124);
  CHECK(std::abs(state.weights.mean().item<double>()) < 0.005);
  CHECK(std::abs(state.weights.var().item<double>() - 0.125 * 0.125 / 3) < 2e-4);
  CHECK(test::same_bits(state.weights.to(torch::kFloat32), single.weights));
  CHECK_FALSE(test::same_bits(state.weights, other.weights));
}

TEST_CASE("BatchNorm starts at scale 1, shift 0, mean 0, variance 1") {
  const auto network = make_network(model_of(config::Arch::resnet18), {3, 32, 32}, 10);

  const auto state = initial_state(network->layout(), 0, torch::kFloat32);

  const auto views = network->views(state.weights);
  CHECK(views[1].eq(1).all().item<bool>());
  CHECK(views[2].eq(0).all().item<bool>());
  CHECK(state.buffers.narrow(0, 0, 64).eq(0).all().item<bool>());
  CHECK(state.buffers.narrow(0, 64, 64).eq(1).all().item<bool>());
}

TEST_CASE("Weights come back from arrays as they went, and what does not fit is named") {
  const auto network = make_network(model_of(config::Arch::resnet18), {3, 32, 32}, 10);
  auto state = initial_state(network->layout(), 3, torch::kFloat32);
  state.buffers.add_(0.25);
  hdf5::ArrayFile file{to_arrays(network->layout(), state.weights, state.buffers), {}};

  const auto loaded = from_arrays(network->layout(), file, torch::kFloat32, "w.h5");

  CHECK(loaded.has_buffers);
  CHECK(test::same_bits(loaded.state.weights, state.weights));
  CHECK(test::same_bits(loaded.state.buffers, state.buffers));
  file.arrays[0].shape = {64, 3, 9};
  CHECK_THROWS_WITH(from_arrays(network->layout(), file, torch::kFloat32, "w.h5"),
                    "w.h5: dataset conv1.weight has shape [64, 3, 9], the model needs [64, 3, 3, 3]");
  file.arrays.erase(file.arrays.begin());
  CHECK_THROWS_AS(from_arrays(network->layout(), file, torch::kFloat32, "w.h5"), UsageError);
}

TEST_CASE("Images that a network cannot take are refused") {
  CHECK_THROWS_AS(make_network(model_of(config::Arch::resnet18), {64}, 10), UsageError);
  CHECK_THROWS_AS(make_network(model_of(config::Arch::vgg19), {1, 28, 28}, 10), UsageError);
}

}  // namespace
}  // namespace unroll::model
