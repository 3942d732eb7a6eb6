#pragma once
// Small helpers for tests on tensors.
#include <torch/types.h>

#include <cmath>
#include <string>

#include "unroll/base/random.hpp"

namespace unroll::test {

/// Standard normal numbers, the same on every machine.
inline torch::Tensor normal(std::vector<std::int64_t> shape, std::uint64_t seed, torch::ScalarType dtype) {
  const RandomStream stream(seed, "test");
  auto tensor = torch::empty(shape, torch::kFloat64);
  for (std::int64_t i = 0; i < tensor.numel(); ++i) {
    tensor.data_ptr<double>()[i] = stream.normal(0, static_cast<std::uint64_t>(i));
  }
  return tensor.to(dtype);
}

inline torch::Tensor labels(std::vector<std::int64_t> shape, std::int64_t num_classes, std::uint64_t seed) {
  const RandomStream stream(seed, "test labels");
  auto tensor = torch::empty(shape, torch::kInt64);
  for (std::int64_t i = 0; i < tensor.numel(); ++i) {
    tensor.data_ptr<std::int64_t>()[i] = static_cast<std::int64_t>(stream.bits(0, static_cast<std::uint64_t>(i)) %
                                                                   static_cast<std::uint64_t>(num_classes));
  }
  return tensor;
}

/// Bit for bit, NaN equal to NaN of the same bits.
inline bool same_bits(const torch::Tensor& a, const torch::Tensor& b) {
  const auto x = a.contiguous(), y = b.contiguous();
  return x.sizes() == y.sizes() && x.scalar_type() == y.scalar_type() &&
         std::memcmp(x.data_ptr(), y.data_ptr(), static_cast<std::size_t>(x.numel()) * x.element_size()) == 0;
}

/// Largest |a - b| / (1 + |b|).
inline double apart(const torch::Tensor& a, const torch::Tensor& b) {
  return ((a.to(torch::kFloat64) - b.to(torch::kFloat64)).abs() / (1 + b.to(torch::kFloat64).abs()))
      .max()
      .item<double>();
}

}  // namespace unroll::test
