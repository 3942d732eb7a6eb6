// Distances between ResNet-18 weight sets, for the benchmarks (README.md).
//
//   bench_distances WEIGHTS.h5     float32 arrays original, retrained, start and a float64 one, correction, each [P]
//   then, for every number of repeats read from stdin, one line: the seconds they took and the verification error
#include "unroll/metrics/distances.hpp"

#include <torch/types.h>

#include <chrono>
#include <cmath>
#include <exception>
#include <iostream>

#include "unroll/execute/numerics.hpp"
#include "unroll/hdf5/arrays.hpp"
#include "unroll/model/network.hpp"

namespace {

using namespace unroll;

torch::Tensor tensor_of(const hdf5::Array& array) {
  const auto type = array.type == hdf5::ElementType::float64 ? torch::kFloat64 : torch::kFloat32;
  return torch::from_blob(const_cast<std::byte*>(array.bytes.data()), array.shape, type).clone();
}

void measure(const std::string& path) {
  config::Settings::Model model;
  model.arch = config::Arch::resnet18;
  const auto network = model::make_network(model, {3, 32, 32}, 10);
  const auto file = hdf5::read_arrays(path, {"original", "retrained", "correction", "start"});
  const auto original = tensor_of(file.arrays[0]), retrained = tensor_of(file.arrays[1]),
             correction = tensor_of(file.arrays[2]), start = tensor_of(file.arrays[3]);
  for (std::int64_t repeats = 0; std::cin >> repeats;) {
    double squared = 0;
    const auto begin = std::chrono::steady_clock::now();
    for (std::int64_t i = 0; i < repeats; ++i) {
      squared = metrics::pair_distances(network->layout(), original, retrained, correction, start).total.verification;
    }
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    std::cout.precision(17);
    std::cout << seconds << " " << std::sqrt(squared) << std::endl;
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc != 2) {
      throw std::invalid_argument("wanted: WEIGHTS.h5");
    }
    execute::set_up_numerics(1, false);
    measure(argv[1]);
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "bench_distances: " << error.what() << "\n";
    return 2;
  }
}
