// Model steps a second of a LanePack, for the benchmarks (README.md).
//
//   bench_steps roofline                                    what a core can do at most, one JSON line
//   bench_steps linear|mlp|resnet18 DATASET PATH key=value...
//     lanes=256    models side by side
//     group=1      lanes that share their batch (M and its forks); groups have batches of their own
//     batch=32     rows of a batch
//     fold=64      lanes a call folds at most
//   then, for every number of steps read from stdin, one line: the seconds they took
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>
#include <numeric>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "roofline.hpp"
#include "unroll/dataset/dataset.hpp"
#include "unroll/execute/numerics.hpp"
#include "unroll/learn/lane_pack.hpp"

namespace {

using namespace unroll;
using Numbers = std::map<std::string, std::int64_t>;

constexpr std::int64_t kSteps = 64;  // different batches; then they recur

config::Settings settings_of(const std::string& arch, const std::string& dataset, const std::string& path) {
  static const std::map<std::string, config::Arch> archs{
      {"linear", config::Arch::linear}, {"mlp", config::Arch::mlp}, {"resnet18", config::Arch::resnet18}};
  static const std::map<std::string, config::Dataset> datasets{{"optdigits", config::Dataset::optdigits},
                                                               {"cifar10", config::Dataset::cifar10},
                                                               {"hdf5", config::Dataset::hdf5}};
  config::Settings settings;
  settings.model.arch = archs.at(arch);
  settings.data.dataset = datasets.at(dataset);
  settings.data.path = path;
  return settings;
}

Numbers numbers_of(int argc, char** argv) {
  Numbers numbers{{"lanes", 256}, {"group", 1}, {"batch", 32}, {"fold", 64}};
  for (int i = 4; i < argc; ++i) {
    const std::string word = argv[i];
    const auto at = word.find('=');
    if (at == std::string::npos || !numbers.contains(word.substr(0, at))) {
      throw std::invalid_argument(word + ": wanted lanes=N, group=N, batch=N or fold=N");
    }
    numbers[word.substr(0, at)] = std::stoll(word.substr(at + 1));
  }
  return numbers;
}

/// [step][lane]; lanes of a group hold the same batch.
std::vector<std::vector<learn::LaneStep>> draw_steps(const Numbers& numbers, std::int64_t num_rows) {
  std::mt19937_64 generator(7);
  std::vector<std::int64_t> rows(static_cast<std::size_t>(num_rows));
  std::iota(rows.begin(), rows.end(), 0);
  std::vector<std::vector<learn::LaneStep>> all(static_cast<std::size_t>(kSteps));
  const auto batch = numbers.at("batch");
  for (auto& steps : all) {
    learn::LaneStep step;
    for (std::int64_t lane = 0; lane < numbers.at("lanes"); ++lane) {
      if (lane % numbers.at("group") == 0) {
        std::vector<std::int64_t> drawn;
        std::sample(rows.begin(), rows.end(), std::back_inserter(drawn), batch, generator);
        std::shuffle(drawn.begin(), drawn.end(), generator);
        step = {learn::Action::train, std::make_shared<const std::vector<std::int64_t>>(std::move(drawn)),
                static_cast<double>(batch)};
      }
      steps.push_back(step);
    }
  }
  return all;
}

learn::LanePack make_pack(const config::Settings& settings, const Numbers& numbers,
                          const std::shared_ptr<const data::ResidentData>& data) {
  const auto& description = data->description();
  const std::shared_ptr network = model::make_network(settings.model, description.shape, description.num_classes);
  std::vector<learn::Hyper> hypers(static_cast<std::size_t>(numbers.at("lanes")));
  for (auto& hyper : hypers) {
    hyper.lr = 0.01;
  }
  learn::LanePack pack(network, data, settings.model, std::move(hypers), numbers.at("fold"));
  for (std::int64_t lane = 0; lane < pack.num_lanes(); ++lane) {
    pack.set_state(lane, model::initial_state(network->layout(), static_cast<std::uint64_t>(lane), data->dtype()));
  }
  return pack;
}

void measure(int argc, char** argv) {
  const auto settings = settings_of(argv[1], argv[2], argv[3]);
  const auto numbers = numbers_of(argc, argv);
  const auto data = std::make_shared<const data::ResidentData>(
      std::make_shared<const dataset::DataSet>(dataset::load(settings.data)), settings.model.dtype);
  auto pack = make_pack(settings, numbers, data);
  const auto steps = draw_steps(numbers, data->description().num_train);
  std::int64_t clock = 0;
  for (std::int64_t count = 0; std::cin >> count;) {
    const auto start = std::chrono::steady_clock::now();
    for (std::int64_t i = 0; i < count; ++i, ++clock) {
      pack.step(clock, steps[static_cast<std::size_t>(clock % kSteps)]);
    }
    std::cout << std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() << std::endl;
  }
}

void print_roofline() {
  const auto peak = bench::peak_flops();
  std::cout << "{\"vector_bits\": " << peak.vector_bits << ", \"flops_per_s\": " << peak.flops;
  for (const auto& [name, bytes] :
       {std::pair{"l2", 384 << 10}, std::pair{"l3", 12 << 20}, std::pair{"memory", 384 << 20}}) {
    std::cout << ", \"" << name << "_bytes_per_s\": " << bench::triad_bytes_per_s(bytes);
  }
  std::cout << "}" << std::endl;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    execute::set_up_numerics(1, false);
    if (argc == 2 && std::string(argv[1]) == "roofline") {
      print_roofline();
    } else if (argc >= 4) {
      measure(argc, argv);
    } else {
      throw std::invalid_argument("wanted: roofline, or ARCH DATASET PATH [key=value...]");
    }
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "bench_steps: " << error.what() << "\n";
    return 2;
  }
}
