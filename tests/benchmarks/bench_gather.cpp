// All pairs of ResNet-18-sized weight sets, for the benchmarks (README.md).
//
//   mpirun -n R bench_gather [MODELS [PARAMETERS [MEMORY_MIB]]]      64, those of ResNet-18, 2048
//
// Rank 0 prints one line of JSON. The rate of the machine's double GEMM is measured on every rank at once, by LibTorch,
// one thread, on the product of 64 x 65,536 with its transpose and of two 1,024 x 1,024, the fastest of eight counts.
#include <torch/torch.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fstream>
#include <iostream>
#include <string>

#include "unroll/base/error.hpp"
#include "unroll/gather/gather.hpp"
#include "unroll/mpi/mpi.hpp"

namespace {

using namespace unroll;
using Clock = std::chrono::steady_clock;

double since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

double rate_of(const torch::Tensor& a, const torch::Tensor& b) {
  double best = 0;
  for (int i = 0; i < 8; ++i) {
    const auto start = Clock::now();
    const torch::Tensor product = torch::mm(a, b);
    best = std::max(best, 2 * static_cast<double>(a.size(0) * a.size(1) * b.size(1)) / since(start));
  }
  return best;
}

double gemm_rate() {
  const auto rows = torch::randn({64, 65536}, torch::kFloat64), square = torch::randn({1024, 1024}, torch::kFloat64);
  return std::max(rate_of(rows, rows.t()), rate_of(square, square));
}

/// The product phase on four blocks of the rows of a study's size, likewise the fastest of eight.
double products_rate(std::int64_t models) {
  constexpr std::int64_t kParameters = 4 * 65536;
  const torch::Tensor weights = torch::randn({models, kParameters}, torch::kFloat32);
  gather::Request request;
  request.num_models = models;
  request.tensor_sizes = {kParameters};
  std::vector<gather::Row> rows;
  for (std::int64_t i = 0; i < models; ++i) {
    rows.push_back({i, std::span<const float>(weights[i].data_ptr<float>(), kParameters)});
  }
  const auto gatherer = gather::make_local_gatherer({});
  double best = 0;
  for (int i = 0; i < 8; ++i) {
    const double seconds = gatherer->distances(request, rows).work.products_s;
    best = std::max(best, static_cast<double>(models * (models + 1) * kParameters) / seconds);
  }
  return best;
}

/// The tensors of torchvision's ResNet-18 with a 3x3 stem and 10 classes, cut to `parameters`.
std::vector<std::int64_t> tensor_sizes(std::int64_t parameters) {
  std::vector<std::int64_t> sizes;
  const auto add = [&](std::int64_t size) {
    sizes.push_back(std::min(size, parameters));
    parameters -= sizes.back();
  };
  const auto convolution = [&](std::int64_t in, std::int64_t out, std::int64_t kernel) {
    add(in * out * kernel * kernel);
    add(out);
    add(out);
  };
  convolution(3, 64, 3);
  for (std::int64_t stage = 0; stage < 4; ++stage) {
    const std::int64_t out = 64 << stage, in = stage == 0 ? 64 : out / 2;
    convolution(in, out, 3);
    convolution(out, out, 3);
    if (stage > 0) {
      convolution(in, out, 1);
    }
    convolution(out, out, 3);
    convolution(out, out, 3);
  }
  add(5120);
  add(10);
  return sizes;
}

/// Vectors of norm 50, all about 1 apart; model 2 k + 1 is 1e-4 from model 2 k for k < 4; the last equals the first.
torch::Tensor weights_of(std::int64_t model, std::int64_t models, std::int64_t parameters) {
  const auto noise = [parameters](std::uint64_t seed) {
    torch::manual_seed(seed);
    const auto values = torch::randn({parameters}, torch::kFloat32);
    return values / values.norm();
  };
  const std::int64_t source = model == models - 1 ? 0 : model < 8 ? model / 2 * 2 : model;
  torch::Tensor weights = 50 * noise(1) + 0.7 * noise(static_cast<std::uint64_t>(100 + source));
  if (model < 8 && model % 2 == 1) {
    weights += 1e-4 * noise(static_cast<std::uint64_t>(1000 + model));
  }
  return weights.contiguous();
}

std::int64_t status_kib(const std::string& key) {
  std::ifstream file("/proc/self/status");
  for (std::string word; file >> word;) {
    if (word == key) {
      std::int64_t value = 0;
      file >> value;
      return value;
    }
  }
  return 0;
}

struct Errors {
  double largest = 0, largest_direct = 0, largest_near = 0;
};

/// Of the pairs that are asked for directly, near neighbours and equal rows among them, against long double.
Errors errors_of(const gather::Request& request, const gather::Distances& found, std::int64_t parameters) {
  Errors errors;
  const auto exact = [&](std::int64_t i, std::int64_t j) {
    const torch::Tensor a = weights_of(i, request.num_models, parameters),
                        b = weights_of(j, request.num_models, parameters);
    long double sum = 0;
    for (std::int64_t k = 0; k < parameters; ++k) {
      const long double apart = static_cast<long double>(a.data_ptr<float>()[k]) - b.data_ptr<float>()[k];
      sum += apart * apart;
    }
    return sum;
  };
  const auto relative = [](double value, long double truth) {
    return truth > 0 ? static_cast<double>(std::abs(value - truth) / truth) : value;
  };
  for (std::size_t i = 0; i < request.direct.size(); ++i) {
    const gather::Pair pair = request.direct[i];
    const long double truth = exact(pair.first, pair.second);
    const double product =
        found.all.squared[static_cast<std::size_t>(gather::pair_index(request.num_models, pair.first, pair.second))];
    errors.largest_direct = std::max(errors.largest_direct, relative(found.direct.squared[i], truth));
    errors.largest = std::max(errors.largest, relative(product, truth));
    if (pair.second < 8) {
      errors.largest_near = std::max(errors.largest_near, relative(product, truth));
    }
  }
  return errors;
}

gather::Request request_of(std::int64_t models, std::int64_t parameters) {
  gather::Request request;
  request.num_models = models;
  request.tensor_sizes = tensor_sizes(parameters);
  for (std::int64_t i = 0; i + 1 < models; i += i < 8 ? 2 : 5) {
    request.direct.push_back({i, i + 1});
  }
  request.direct.push_back({0, models - 1});
  return request;
}

double sum_over(const mpi::Communicator& world, double value) {
  double sum = 0;
  for (const std::string& text : world.all_gather(std::to_string(value))) {
    sum += std::stod(text);
  }
  return sum;
}

double largest_over(const mpi::Communicator& world, double value) {
  double largest = value;
  for (const std::string& text : world.all_gather(std::to_string(value))) {
    largest = std::max(largest, std::stod(text));
  }
  return largest;
}

void measure(std::int64_t models, std::int64_t parameters, std::int64_t memory_mib) {
  const mpi::Communicator world = mpi::Communicator::world();
  torch::set_num_threads(1);
  std::vector<torch::Tensor> kept;
  std::vector<gather::Row> rows;
  for (std::int64_t model = world.rank(); model < models; model += world.size()) {
    kept.push_back(weights_of(model, models, parameters));
    rows.push_back(
        {model, std::span<const float>(kept.back().data_ptr<float>(), static_cast<std::size_t>(parameters))});
  }
  const gather::Request request = request_of(models, parameters);
  gather::Options options;
  options.memory_bytes = memory_mib << 20;
  world.barrier();
  const double gemm = gemm_rate();
  world.barrier();
  const double quick = products_rate(models);
  world.barrier();
  std::ofstream("/proc/self/clear_refs") << "5";  // VmHWM starts again
  const std::int64_t before_kib = status_kib("VmRSS:");
  const auto start = Clock::now();
  const gather::Distances found = gather::make_mpi_gatherer(world, options)->distances(request, rows);
  const double seconds = since(start);
  const std::int64_t grown_kib = status_kib("VmHWM:") - before_kib;
  const gather::Work& work = found.work;
  const double sent = sum_over(world, static_cast<double>(work.sent_weights_bytes)),
               products_s = sum_over(world, work.products_s), exchange_s = largest_over(world, work.exchange_s),
               sums_s = largest_over(world, work.sums_s), direct_s = sum_over(world, work.direct_s),
               grown = largest_over(world, static_cast<double>(grown_kib)),
               planned = largest_over(world, static_cast<double>(work.memory_bytes)),
               mean_gemm = sum_over(world, gemm) / world.size(), mean_quick = sum_over(world, quick) / world.size(),
               directly = sum_over(world, static_cast<double>(work.num_directly)),
               sums_bytes = sum_over(world, static_cast<double>(work.sent_sums_bytes));
  if (world.rank() != 0) {
    return;
  }
  const double useful = static_cast<double>(models) * static_cast<double>(models + 1) * static_cast<double>(parameters);
  const Errors errors = errors_of(request, found, parameters);
  double bound = 0;
  for (std::size_t i = 0; i < found.all.squared.size(); ++i) {
    bound = found.all.squared[i] > 0 ? std::max(bound, found.all.bound[i] / found.all.squared[i]) : bound;
  }
  std::cout << "{\"ranks\": " << world.size() << ", \"models\": " << models << ", \"parameters\": " << parameters
            << ", \"seconds\": " << seconds << ", \"gemm_gflops\": " << mean_gemm / 1e9
            << ", \"products_gflops\": " << useful / products_s / 1e9
            << ", \"share\": " << useful / products_s / mean_gemm << ", \"four_blocks_gflops\": " << mean_quick / 1e9
            << ", \"four_blocks_share\": " << mean_quick / mean_gemm << ", \"products_s\": " << products_s
            << ", \"direct_s\": " << direct_s << ", \"exchange_s\": " << exchange_s << ", \"sums_s\": " << sums_s
            << ", \"rounds\": " << work.num_rounds << ", \"sent_bytes\": " << sent << ", \"sums_bytes\": " << sums_bytes
            << ", \"weights_bytes\": " << 4.0 * static_cast<double>(models * parameters)
            << ", \"memory_limit\": " << options.memory_bytes << ", \"memory_planned\": " << planned
            << ", \"memory_grown\": " << grown * 1024 << ", \"blocks_directly\": " << directly
            << ", \"error\": " << errors.largest << ", \"error_direct\": " << errors.largest_direct
            << ", \"error_near\": " << errors.largest_near << ", \"largest_bound\": " << bound << "}" << std::endl;
}

}  // namespace

int main(int argc, char** argv) {
  const mpi::Environment environment(mpi::wanted_thread_level());
  try {
    const auto value = [&](int i, std::int64_t otherwise) { return i < argc ? std::stoll(argv[i]) : otherwise; };
    measure(value(1, 64), value(2, 11'173'962), value(3, 2048));
    return 0;
  } catch (const std::exception& error) {
    std::cerr << std::string("bench_gather: ") + error.what() + "\n";
    mpi::Environment::abort(2);
  }
}
