#pragma once
// Rows of weights that every rank can make by itself, and their distances by another way: in long double, one element
// after another.
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "unroll/base/random.hpp"
#include "unroll/gather/gather.hpp"

namespace unroll::gather::test {

template <typename Real>
using Rows = std::vector<std::vector<Real>>;  // models x parameters

inline std::int64_t num_parameters(const std::vector<std::int64_t>& tensor_sizes) {
  std::int64_t sum = 0;
  for (const std::int64_t size : tensor_sizes) {
    sum += size;
  }
  return sum;
}

/// In [-1, 1), of (seed, i) alone.
inline double noise(std::uint64_t seed, std::uint64_t i) {
  std::uint64_t x = (seed + 1) * 0x9E3779B97F4A7C15U + (i + 1) * 0xD1B54A32D192ED03U;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9U;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBU;
  return static_cast<double>((x ^ (x >> 31)) >> 11) * 0x1p-52 - 1;
}

/// Vectors of norm 50, `apart` from each other by noise of about that norm.
template <typename Real>
Rows<Real> make_rows(std::int64_t num_models, std::int64_t parameters, double apart) {
  const double element = std::sqrt(3.0 / static_cast<double>(std::max<std::int64_t>(parameters, 1)));
  Rows<Real> rows(static_cast<std::size_t>(num_models));
  for (std::size_t m = 0; m < rows.size(); ++m) {
    for (std::int64_t k = 0; k < parameters; ++k) {
      const auto i = static_cast<std::uint64_t>(k);
      rows[m].push_back(static_cast<Real>(element * (50 * noise(0, i) + apart / std::sqrt(2.0) * noise(m + 1, i))));
    }
  }
  return rows;
}

template <typename Real>
long double exact(std::span<const Real> a, std::span<const Real> b) {
  long double sum = 0;
  for (std::size_t k = 0; k < a.size(); ++k) {
    const long double apart = static_cast<long double>(a[k]) - static_cast<long double>(b[k]);
    sum += apart * apart;
  }
  return sum;
}

template <typename Real>
long double exact(const std::vector<Real>& a, const std::vector<Real>& b) {
  return exact(std::span<const Real>(a), std::span<const Real>(b));
}

template <typename Real>
Request request_of(const Rows<Real>& rows, std::vector<std::int64_t> tensor_sizes) {
  Request request;
  request.num_models = static_cast<std::int64_t>(rows.size());
  request.tensor_sizes = std::move(tensor_sizes);
  request.element = sizeof(Real) == 4 ? Element::float32 : Element::float64;
  return request;
}

template <typename Real>
std::vector<Row> all_rows(const Rows<Real>& rows) {
  std::vector<Row> result;
  for (std::size_t m = 0; m < rows.size(); ++m) {
    result.push_back({static_cast<std::int64_t>(m), std::span<const Real>(rows[m])});
  }
  return result;
}

}  // namespace unroll::gather::test
