#include "unroll/learn/curvature.hpp"

#include <ATen/ops/linalg_eigh.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "unroll/base/block_sum.hpp"
#include "unroll/base/random.hpp"

namespace unroll::learn {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr double kTie = 1e-6;
constexpr double kConverged = 1e-3;

template <typename Real>
double dot_of(const torch::Tensor& a, const torch::Tensor& b) {
  const auto* x = a.data_ptr<Real>();
  const auto* y = b.data_ptr<Real>();
  return block_sum<1>(
      a.numel(), [&](std::int64_t i) { return std::array{static_cast<double>(x[i]) * static_cast<double>(y[i])}; })[0];
}

/// target += factor * other, element by element.
void add_scaled(torch::Tensor& target, double factor, const torch::Tensor& other) {
  const auto run = [&]<typename Real>(Real) {
    auto* to = target.data_ptr<Real>();
    const auto* from = other.data_ptr<Real>();
    for (std::int64_t i = 0; i < target.numel(); ++i) {
      to[i] = static_cast<Real>(static_cast<double>(to[i]) + factor * static_cast<double>(from[i]));
    }
  };
  target.scalar_type() == torch::kFloat64 ? run(double{}) : run(float{});
}

void scale(torch::Tensor& target, double factor) {
  const auto copy = target.clone();
  target.zero_();
  add_scaled(target, factor, copy);
}

struct RitzPairs {
  std::vector<double> values;  // ascending
  std::vector<double> last;    // last component of each eigenvector
};

RitzPairs tridiagonal_eigen(const std::vector<double>& diagonal, const std::vector<double>& off) {
  const auto m = static_cast<std::int64_t>(diagonal.size());
  auto t = torch::zeros({m, m}, torch::kFloat64);
  auto entries = t.accessor<double, 2>();
  for (std::int64_t i = 0; i < m; ++i) {
    entries[i][i] = diagonal[static_cast<std::size_t>(i)];
    if (i + 1 < m) {
      entries[i][i + 1] = entries[i + 1][i] = off[static_cast<std::size_t>(i)];
    }
  }
  const auto [values, vectors] = at::linalg_eigh(t);
  const auto last = vectors[m - 1].contiguous();
  return {{values.data_ptr<double>(), values.data_ptr<double>() + m},
          {last.data_ptr<double>(), last.data_ptr<double>() + m}};
}

}  // namespace

double inner_product(const torch::Tensor& a, const torch::Tensor& b) {
  return a.scalar_type() == torch::kFloat64 ? dot_of<double>(a, b) : dot_of<float>(a, b);
}

Spectrum lanczos(const SymmetricMap& map, const torch::Tensor& start, std::int64_t steps) {
  std::vector<torch::Tensor> basis{start.clone()};
  scale(basis[0], 1 / std::sqrt(inner_product(start, start)));
  std::vector<double> diagonal, off;
  for (std::int64_t j = 0; j < std::min(steps, start.numel()); ++j) {
    auto w = map(basis.back());
    diagonal.push_back(inner_product(basis.back(), w));
    for (int pass = 0; pass < 2; ++pass) {  // twice is enough
      for (const auto& q : basis) {
        add_scaled(w, -inner_product(q, w), q);
      }
    }
    const double beta = std::sqrt(inner_product(w, w));
    off.push_back(beta);
    const double size = *std::max_element(diagonal.begin(), diagonal.end(),
                                          [](double a, double b) { return std::abs(a) < std::abs(b); });
    if (!std::isfinite(beta) || beta <= 1e-12 * std::abs(size)) {
      break;
    }
    scale(w, 1 / beta);
    basis.push_back(std::move(w));
  }
  const auto num_products = static_cast<std::int64_t>(diagonal.size());
  if (!std::isfinite(off.back()) || !std::isfinite(diagonal.back())) {
    return {kNone, kNone, kNone, kNone, num_products, false};
  }
  const auto ritz = tridiagonal_eigen(diagonal, off);
  const double low = ritz.values.front(), high = ritz.values.back();
  const bool take_high = std::abs(high) >= std::abs(low) * (1 - kTie);
  const double dominant = take_high ? high : low;
  const double error = std::abs(off.back() * (take_high ? ritz.last.back() : ritz.last.front()));
  const double residual = dominant != 0 ? error / std::abs(dominant) : error;
  return {high, low, dominant, residual, num_products, residual < kConverged};
}

Spectrum power_iteration(const SymmetricMap& map, const torch::Tensor& start, std::int64_t iterations,
                         double tolerance) {
  auto v = start.clone();
  scale(v, 1 / std::sqrt(inner_product(v, v)));
  Spectrum spectrum{kNone, kNone, kNone, kNone, 0, false};
  for (std::int64_t i = 0; i < iterations; ++i) {
    auto product = map(v);
    ++spectrum.num_products;
    const double lambda = inner_product(v, product);
    const double norm = std::sqrt(inner_product(product, product));
    if (!std::isfinite(norm)) {
      return {kNone, kNone, kNone, kNone, spectrum.num_products, false};
    }
    if (i > 0 && std::abs(spectrum.dominant - lambda) / (std::abs(spectrum.dominant) + 1e-6) < tolerance) {
      spectrum.converged = true;
      break;
    }
    spectrum.dominant = lambda;
    add_scaled(v, -1 / lambda, product);  // for lambda = 0 not a number: no residual
    spectrum.residual = std::sqrt(inner_product(v, v));
    if (norm == 0) {
      spectrum.converged = true;
      break;
    }
    scale(product, 1 / norm);
    v = std::move(product);
  }
  (spectrum.dominant >= 0 ? spectrum.lambda_max : spectrum.lambda_min) = spectrum.dominant;
  return spectrum;
}

torch::Tensor start_vector(std::uint64_t seed, std::int64_t size, torch::ScalarType dtype) {
  const RandomStream stream(seed, "lanczos");
  auto v = torch::empty({size}, torch::kFloat64);
  auto* out = v.data_ptr<double>();
  for (std::int64_t i = 0; i < size; ++i) {
    out[i] = stream.normal(0, static_cast<std::uint64_t>(i));
  }
  return v.to(dtype);
}

}  // namespace unroll::learn
