// The device's way of measuring blocks, on the CPU, and on a GPU where there is one.
#include "gather/tensor_pairs.hpp"

#include <torch/torch.h>

#include <limits>

#include "gather/block_pairs.hpp"
#include "gather/rows.hpp"
#include "support/catch.hpp"

using namespace unroll;
using namespace unroll::gather;
using namespace unroll::gather::test;

namespace {

template <typename Real>
Sums measured(const Rows<Real>& rows, const Request& request, torch::DeviceType device) {
  const auto type = sizeof(Real) == 4 ? torch::kFloat32 : torch::kFloat64;
  std::vector<torch::Tensor> tensors;
  for (const auto& row : rows) {
    tensors.push_back(torch::from_blob(const_cast<Real*>(row.data()), {static_cast<std::int64_t>(row.size())}, type));
  }
  Sums sums(request);
  TensorPairs(request).add(torch::stack(tensors).to(device), sums);
  return sums;
}

template <typename Real>
void check_block(std::int64_t size, double apart, torch::DeviceType device) {
  auto rows = make_rows<Real>(5, size, apart);
  rows[4] = rows[1];
  Request request = request_of(rows, {size});
  request.direct = {{0, 1}, {3, 2}, {1, 4}};

  const Sums sums = measured(rows, request, device);

  for (std::int64_t i = 0; i < 5; ++i) {
    for (std::int64_t j = i + 1; j < 5; ++j) {
      const auto pair = static_cast<std::size_t>(pair_index(5, i, j));
      const long double truth = exact(rows[static_cast<std::size_t>(i)], rows[static_cast<std::size_t>(j)]);
      CHECK(std::abs(static_cast<double>(sums.all.squared[pair] - truth)) <= sums.all.bound[pair]);
      CHECK(sums.all.bound[pair] <= 1.0001e-6 * static_cast<double>(truth) + 1e-290);
    }
  }
  CHECK(sums.all.squared[static_cast<std::size_t>(pair_index(5, 1, 4))] == 0.0);
  CHECK(sums.direct.squared[2] == 0.0);
  CHECK(std::abs(static_cast<double>(sums.direct.squared[1] / exact(rows[2], rows[3]) - 1)) <= 1e-12);
}

std::vector<torch::DeviceType> devices() {
  return torch::cuda::is_available() ? std::vector{torch::kCPU, torch::kCUDA} : std::vector{torch::kCPU};
}

}  // namespace

TEST_CASE("blocks measured by LibTorch lie within their bounds, near neighbours and equal rows too") {
  for (const torch::DeviceType device : devices()) {
    for (const double apart : {70.0, 1e-2, 1e-4}) {
      for (const std::int64_t size : {std::int64_t{1}, std::int64_t{300}, std::int64_t{2049}, kBlockSize}) {
        INFO("size " << size << ", apart " << apart << ", on " << c10::DeviceTypeName(device));
        check_block<float>(size, apart, device);
        check_block<double>(size, apart, device);
      }
    }
  }
}

TEST_CASE("blocks measured by LibTorch and by the reference differ by no more than both bounds") {
  const auto rows = make_rows<float>(9, kBlockSize, 1.0);
  const Request request = request_of(rows, {kBlockSize});
  std::vector<const float*> starts;
  for (const auto& row : rows) {
    starts.push_back(row.data());
  }
  Sums reference(request);
  BlockPairs(request).add<float>(starts, kBlockSize, reference.all, reference.direct);
  for (const torch::DeviceType device : devices()) {
    const Sums sums = measured(rows, request, device);

    for (std::size_t i = 0; i < sums.all.squared.size(); ++i) {
      CHECK(std::abs(sums.all.squared[i] - reference.all.squared[i]) <= sums.all.bound[i] + reference.all.bound[i]);
    }
  }
}

TEST_CASE("a row that is not finite spoils its own pairs alone when LibTorch measures") {
  auto rows = make_rows<float>(3, 5000, 1.0);
  rows[0][77] = std::numeric_limits<float>::infinity();
  const Request request = request_of(rows, {5000});
  for (const torch::DeviceType device : devices()) {
    const Sums sums = measured(rows, request, device);

    CHECK_FALSE(std::isfinite(sums.all.squared[0]));
    CHECK_FALSE(std::isfinite(sums.all.squared[1]));
    CHECK(std::isfinite(sums.all.squared[2]));
  }
}
