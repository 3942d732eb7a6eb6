#include "learn/vectors.hpp"

#include <algorithm>
#include <cmath>

#include "unroll/base/block_sum.hpp"

namespace unroll::learn {
namespace {

constexpr std::int64_t kTile = 1024;  // elements whose doubles stay in the first cache

template <typename Real>
UNROLL_INLINE_LOOP double dot_by_ways(std::int64_t size, const Real* a, const Real* b) {
  return block_sum<1>(
      size, [=](std::int64_t i, std::int64_t count, Ways * sum) __attribute__((always_inline)) {
        Ways left, right;
        load_ways(a + i, count, left);
        load_ways(b + i, count, right);
        sum[0] += left * right;
      })[0];
}

UNROLL_WIDE double wide_dot(std::int64_t size, const float* a, const float* b) { return dot_by_ways(size, a, b); }
UNROLL_WIDE double wide_dot(std::int64_t size, const double* a, const double* b) { return dot_by_ways(size, a, b); }

/// One term, or part of one, of all elements: sums = factor * from + keep * sums.
template <typename Real>
UNROLL_INLINE_LOOP void add_by_ways(std::int64_t size, double factor, const Real* from, double* sums) {
  for (std::int64_t i = 0; i < size; ++i) {
    sums[i] += factor * static_cast<double>(from[i]);
  }
}

UNROLL_WIDE void wide_add(std::int64_t size, double factor, const float* from, double* sums) {
  add_by_ways(size, factor, from, sums);
}
UNROLL_WIDE void wide_add(std::int64_t size, double factor, const double* from, double* sums) {
  add_by_ways(size, factor, from, sums);
}

}  // namespace

template <typename Real>
double dot(std::int64_t size, const Real* a, const Real* b) {
  return wide_dot(size, a, b);
}

template <typename Real>
void scale(std::int64_t size, double factor, const Real* from, Real* to) {
  for (std::int64_t i = 0; i < size; ++i) {
    to[i] = static_cast<Real>(factor * static_cast<double>(from[i]));
  }
}

template <typename Real>
void combine(std::int64_t size, std::span<const double> factors, std::span<const Real* const> basis, double initial,
             Real* to) {
  double sums[kTile];
  for (std::int64_t start = 0; start < size; start += kTile) {
    const auto count = std::min(kTile, size - start);
    for (std::int64_t i = 0; i < count; ++i) {
      sums[i] = initial == 0 ? 0 : initial * static_cast<double>(to[start + i]);
    }
    for (std::size_t k = 0; k < basis.size(); ++k) {
      wide_add(count, factors[k], basis[k] + start, sums);
    }
    for (std::int64_t i = 0; i < count; ++i) {
      to[start + i] = static_cast<Real>(sums[i]);
    }
  }
}

template <typename Real>
Orthogonalised orthogonalise(std::int64_t size, std::span<const Real* const> basis, Real* w) {
  std::vector<double> first(basis.size()), second(basis.size());
  std::vector<const Real*> here(basis.size());
  const auto add_products = [&](std::int64_t start, std::int64_t count, double sign, std::vector<double>& products) {
    for (std::size_t k = 0; k < basis.size(); ++k) {
      products[k] += sign * dot(count, basis[k] + start, w + start);
    }
  };
  const auto take_out = [&](std::int64_t start, std::int64_t count, const std::vector<double>& products) {
    std::transform(basis.begin(), basis.end(), here.begin(), [start](const Real* q) { return q + start; });
    combine<Real>(count, products, here, 1, w + start);
  };
  for (std::int64_t start = 0; start < size; start += kBlockSize) {
    add_products(start, std::min(kBlockSize, size - start), -1, first);
  }
  for (std::int64_t start = 0; start < size; start += kBlockSize) {
    const auto count = std::min(kBlockSize, size - start);
    take_out(start, count, first);
    add_products(start, count, -1, second);
  }
  double square = 0;
  for (std::int64_t start = 0; start < size; start += kBlockSize) {
    const auto count = std::min(kBlockSize, size - start);
    take_out(start, count, second);
    square += dot(count, w + start, w + start);
  }
  return {-first.back(), std::sqrt(square)};
}

template double dot<float>(std::int64_t, const float*, const float*);
template double dot<double>(std::int64_t, const double*, const double*);
template void scale<float>(std::int64_t, double, const float*, float*);
template void scale<double>(std::int64_t, double, const double*, double*);
template void combine<float>(std::int64_t, std::span<const double>, std::span<const float* const>, double, float*);
template void combine<double>(std::int64_t, std::span<const double>, std::span<const double* const>, double, double*);
template Orthogonalised orthogonalise<float>(std::int64_t, std::span<const float* const>, float*);
template Orthogonalised orthogonalise<double>(std::int64_t, std::span<const double* const>, double*);

}  // namespace unroll::learn
