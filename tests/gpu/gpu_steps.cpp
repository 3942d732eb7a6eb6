// Training steps of ResNet-18, batch 32, on the first GPU, by lanes folded into one call; for report.py.
//
//   test_gpu_steps LANES STEPS...    a line a count: the seconds that so many steps of all lanes took (after five
//   others)
#include <ATen/detail/CUDAHooksInterface.h>

#include <chrono>
#include <iostream>

#include "unroll/base/random.hpp"
#include "unroll/cuda/cuda.hpp"
#include "unroll/execute/numerics.hpp"
#include "unroll/learn/lane_pack.hpp"

namespace {

using namespace unroll;

constexpr std::int64_t kRows = 1024, kBatch = 32, kWarmUp = 5;

std::shared_ptr<const dataset::DataSet> noise() {
  auto set = std::make_shared<dataset::DataSet>();
  set->description.shape = {3, 32, 32};
  set->description.num_classes = 10;
  set->description.num_train = kRows;
  set->description.num_test = 1;
  set->scale = 1 / 255.0;
  set->mean = {0.4914, 0.4822, 0.4465};
  set->std_dev = {0.2023, 0.1994, 0.2010};
  const RandomStream stream(1, "noise");
  std::vector<std::uint8_t> bytes(kRows * 3072);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::uint8_t>(stream.bits(0, i));
  }
  for (std::int64_t row = 0; row < kRows; ++row) {
    set->description.train_labels.push_back(static_cast<int>(row % 10));
  }
  set->description.test_labels = {0};
  set->train_inputs = bytes;
  set->test_inputs = std::vector<std::uint8_t>(3072);
  return set;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "usage: test_gpu_steps LANES STEPS...\n";
    return 2;
  }
  if (cuda::devices().empty()) {
    std::cout << "skipped: no GPU is visible\n";
    return 77;
  }
  execute::set_up_numerics(1, false);
  const torch::Device device(torch::kCUDA, 0);
  const auto num_lanes = std::stoll(argv[1]);
  const auto data = std::make_shared<const data::ResidentData>(noise(), config::Dtype::float32, 0, device);
  config::Settings::Model settings;
  settings.arch = config::Arch::resnet18;
  const std::shared_ptr network = model::make_network(settings, {3, 32, 32}, 10);
  std::vector<learn::Hyper> hypers(static_cast<std::size_t>(num_lanes));
  for (auto& hyper : hypers) {
    hyper.lr = 0.01;
  }
  learn::LanePack pack(network, data, config::BatchNormMode::train, hypers, num_lanes);
  for (std::int64_t lane = 0; lane < num_lanes; ++lane) {
    pack.set_state(lane, model::initial_state(network->layout(), static_cast<std::uint64_t>(lane), data->dtype()));
  }
  std::int64_t clock = 0;
  const auto run = [&](std::int64_t count) {
    at::detail::getCUDAHooks().deviceSynchronize(device.index());
    const auto start = std::chrono::steady_clock::now();
    for (std::int64_t i = 0; i < count; ++i, ++clock) {
      std::vector<learn::LaneStep> steps;
      for (std::int64_t lane = 0; lane < num_lanes; ++lane) {
        std::vector<std::int64_t> rows;
        for (std::int64_t row = 0; row < kBatch; ++row) {
          rows.push_back((clock * kBatch + row * 7 + lane * 13) % kRows);
        }
        steps.push_back({learn::Action::train, std::make_shared<const std::vector<std::int64_t>>(std::move(rows)),
                         static_cast<double>(kBatch)});
      }
      pack.step(clock, steps);
    }
    at::detail::getCUDAHooks().deviceSynchronize(device.index());
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  (void)run(kWarmUp);
  for (int i = 2; i < argc; ++i) {
    std::cout << run(std::stoll(argv[i])) << std::endl;
  }
  return 0;
}
