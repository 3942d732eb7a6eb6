// What a GPU must give: the CPU's numbers up to rounding, the same bits run after run and wherever a lane stands, and
// exactly 0 between two models that learn the same. Without a GPU the program ends with 77 (skipped).
#define CATCH_CONFIG_RUNNER
#include <ATen/Context.h>

#include <cstdio>

#include "support/catch.hpp"
#include "support/tensors.hpp"
#include "unroll/cuda/cuda.hpp"
#include "unroll/execute/numerics.hpp"
#include "unroll/learn/curvature.hpp"
#include "unroll/learn/evaluate.hpp"
#include "unroll/learn/lane_pack.hpp"
#include "unroll/metrics/distances.hpp"

namespace {

using namespace unroll;

const torch::Device kGpu(torch::kCUDA, 0);
constexpr std::int64_t kRows = 96;

std::shared_ptr<const dataset::DataSet> images() {
  auto set = std::make_shared<dataset::DataSet>();
  set->description.shape = {3, 32, 32};
  set->description.num_classes = 10;
  set->description.num_train = set->description.num_test = kRows;
  set->scale = 1 / 255.0;
  set->mean = {0.4, 0.5, 0.6};
  set->std_dev = {0.2, 0.3, 0.25};
  std::vector<std::uint8_t> bytes;
  const RandomStream stream(3, "images");
  for (std::uint64_t i = 0; i < kRows * 3072; ++i) {
    bytes.push_back(static_cast<std::uint8_t>(stream.bits(0, i) % 256));
  }
  for (std::int64_t i = 0; i < kRows; ++i) {
    set->description.train_labels.push_back(static_cast<std::int32_t>(i * 7 % 10));
    set->description.test_labels.push_back(static_cast<std::int32_t>(i * 3 % 10));
  }
  set->train_inputs = bytes;
  set->test_inputs = bytes;
  return set;
}

struct Setting {
  config::Arch arch;
  config::Dtype dtype;
};
const std::vector<config::Arch> kArchs{config::Arch::linear, config::Arch::mlp, config::Arch::resnet18,
                                       config::Arch::vgg19};

std::shared_ptr<const data::ResidentData> data_of(config::Dtype dtype, torch::Device device,
                                                  std::int64_t kept_bytes = dataset::kKeptBytes) {
  static const auto set = images();
  return std::make_shared<const data::ResidentData>(set, dtype, kept_bytes, device);
}

std::shared_ptr<const model::Network> network_of(config::Arch arch) {
  config::Settings::Model model;
  model.arch = arch;
  model.hidden = {40};
  return model::make_network(model, {3, 32, 32}, 10);
}

std::shared_ptr<const std::vector<std::int64_t>> rows_of(std::int64_t batch, std::int64_t count) {
  std::vector<std::int64_t> rows;
  for (std::int64_t i = 0; i < count; ++i) {
    rows.push_back((batch * 17 + i * 5) % kRows);
  }
  return std::make_shared<const std::vector<std::int64_t>>(std::move(rows));
}

/// The lanes' states after some steps: lane i starts from seed seeds[i] and has the batches of that seed, and the last
/// step of lane 0 coasts.
std::vector<model::State> trained(const Setting& setting, torch::Device device, const std::vector<int>& seeds,
                                  std::int64_t num_steps = 3) {
  const auto network = network_of(setting.arch);
  const auto data = data_of(setting.dtype, device);
  std::vector<learn::Hyper> hypers(seeds.size());
  for (std::size_t i = 0; i < seeds.size(); ++i) {
    hypers[i].lr = 0.01;
    hypers[i].momentum = 0.9;
    hypers[i].weight_decay = 1e-3;
    hypers[i].loss.form.gamma = seeds[i] % 2 == 0 ? 0 : 3;
  }
  learn::LanePack pack(network, data, config::BatchNormMode::train, hypers, 64);
  for (std::size_t i = 0; i < seeds.size(); ++i) {
    pack.set_state(static_cast<std::int64_t>(i),
                   model::initial_state(network->layout(), static_cast<std::uint64_t>(seeds[i]), data->dtype()));
  }
  for (std::int64_t step = 0; step < num_steps; ++step) {
    std::vector<learn::LaneStep> steps;
    for (const int seed : seeds) {
      steps.push_back({learn::Action::train, rows_of(step + seed, 16), 16});
    }
    pack.step(step, steps);
  }
  std::vector<model::State> states;
  for (std::int64_t lane = 0; lane < pack.num_lanes(); ++lane) {
    states.push_back({pack.state(lane).weights.cpu().clone(), pack.state(lane).buffers.cpu().clone()});
  }
  return states;
}

TEST_CASE("Rows on the GPU have the host's bits, kept normalised or as bytes") {
  for (const auto dtype : {config::Dtype::float32, config::Dtype::float64}) {
    for (const std::int64_t kept : {std::int64_t{0}, dataset::kKeptBytes}) {
      const auto host = data_of(dtype, torch::kCPU, kept), device = data_of(dtype, kGpu, kept);
      for (const auto part : {data::Part::train, data::Part::test}) {
        const auto rows = rows_of(1, 20);
        CHECK(test::same_bits(device->inputs(part, *rows).cpu(), host->inputs(part, *rows)));
        CHECK(test::same_bits(device->labels(part, *rows).cpu(), host->labels(part, *rows)));
      }
    }
  }
}

TEST_CASE("Training in float64 agrees with the CPU") {
  for (const auto arch : kArchs) {
    const Setting setting{arch, config::Dtype::float64};
    const auto host = trained(setting, torch::kCPU, {1, 2, 3}), device = trained(setting, kGpu, {1, 2, 3});
    for (std::size_t lane = 0; lane < host.size(); ++lane) {
      INFO("architecture " << static_cast<int>(arch) << ", lane " << lane);
      CHECK(test::apart(device[lane].weights, host[lane].weights) < 1e-9);
      if (host[lane].buffers.numel() > 0) {
        CHECK(test::apart(device[lane].buffers, host[lane].buffers) < 1e-9);
      }
    }
  }
}

TEST_CASE("The same run gives the same bits, and equal lanes are exactly 0 apart wherever they stand") {
  for (const auto arch : kArchs) {
    for (const auto dtype : {config::Dtype::float32, config::Dtype::float64}) {
      INFO("architecture " << static_cast<int>(arch) << " " << static_cast<int>(dtype));
      const auto first = trained({arch, dtype}, kGpu, {4, 9, 4, 5, 4}),
                 again = trained({arch, dtype}, kGpu, {4, 9, 4, 5, 4});
      for (std::size_t lane = 0; lane < first.size(); ++lane) {
        CHECK(test::same_bits(first[lane].weights, again[lane].weights));
        CHECK(test::same_bits(first[lane].buffers, again[lane].buffers));
      }
      for (const std::size_t lane : {2, 4}) {
        CHECK(metrics::squared_distance(first[0].weights, first[lane].weights) == 0.0);
        CHECK(test::same_bits(first[0].buffers, first[lane].buffers));
      }
    }
  }
}

TEST_CASE("What the number of lanes does to a lane's bits is reported") {
  for (const auto arch : kArchs) {
    const auto alone = trained({arch, config::Dtype::float32}, kGpu, {4});
    for (const std::size_t count : {2, 4, 8}) {
      const auto among = trained({arch, config::Dtype::float32}, kGpu, std::vector<int>(count, 4));
      std::printf("architecture %d, 1 lane against %zu, 3 steps: distance %.3g\n", static_cast<int>(arch), count,
                  std::sqrt(metrics::squared_distance(alone[0].weights, among[0].weights)));
      CHECK(test::apart(among[0].weights, alone[0].weights) < 1e-2);
    }
  }
}

TEST_CASE("Logits, BatchNorm statistics and Hessian-vector products in float64 agree with the CPU") {
  for (const auto arch : kArchs) {
    INFO("architecture " << static_cast<int>(arch));
    const auto network = network_of(arch);
    const auto host = data_of(config::Dtype::float64, torch::kCPU), device = data_of(config::Dtype::float64, kGpu);
    const auto state = model::initial_state(network->layout(), 8, torch::kFloat64);
    const auto rows = rows_of(2, 40);
    CHECK(test::apart(learn::evaluate(*network, state, *device, data::Part::test, *rows).cpu(),
                      learn::evaluate(*network, state, *host, data::Part::test, *rows)) < 1e-10);
    if (network->layout().num_buffers > 0) {
      CHECK(test::apart(learn::reestimated_buffers(*network, state, *device, *rows).cpu(),
                        learn::reestimated_buffers(*network, state, *host, *rows)) < 1e-10);
    }
    const auto v = test::normal({network->layout().num_parameters}, 5, torch::kFloat64);
    const auto product = [&](const data::ResidentData& data) {
      return learn::Hessian(*network, state, data.inputs(data::Part::train, *rows),
                            data.labels(data::Part::train, *rows), {2, 40}, model::Statistics::batch)(v);
    };
    const auto expected = product(*host);
    CHECK(test::apart(product(*device), expected) < 1e-8 * (1 + expected.abs().max().item<double>()));
  }
}

}  // namespace

int main(int argc, char** argv) {
  const auto devices = unroll::cuda::devices();
  if (devices.empty()) {
    std::printf("skipped: no GPU is visible\n");
    return 77;
  }
  unroll::execute::set_up_numerics(1, false);
  std::printf("%s\n", devices.front().name.c_str());
  return Catch::Session().run(argc, argv);
}
