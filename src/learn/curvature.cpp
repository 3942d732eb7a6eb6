#include "unroll/learn/curvature.hpp"

#include <ATen/ops/linalg_eigh.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <utility>

#include "learn/vectors.hpp"
#include "unroll/base/random.hpp"

namespace unroll::learn {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr double kTie = 1e-6;
constexpr double kConverged = 1e-3;

/// Calls of<Real>() with the type of the tensor's elements.
template <typename Of>
auto with_type(const torch::Tensor& tensor, Of of) {
  return tensor.scalar_type() == torch::kFloat64 ? of.template operator()<double>() : of.template operator()<float>();
}

/// factor * from, as a new tensor.
torch::Tensor scaled(const torch::Tensor& from, double factor) {
  auto to = torch::empty_like(from);
  with_type(from,
            [&]<typename Real>() { scale<Real>(from.numel(), factor, from.data_ptr<Real>(), to.data_ptr<Real>()); });
  return to;
}

torch::Tensor unit(const torch::Tensor& v) { return scaled(v, 1 / std::sqrt(inner_product(v, v))); }

/// Eigenpairs of the tridiagonal matrix: those of the map on the Krylov space.
struct RitzPairs {
  std::vector<double> values;  // ascending
  std::vector<double> sizes;   // residual norms
  torch::Tensor vectors;       // double [m, m], a column each
};

RitzPairs ritz_pairs(const std::vector<double>& diagonal, const std::vector<double>& off) {
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
  RitzPairs pairs{{values.data_ptr<double>(), values.data_ptr<double>() + m}, {}, vectors};
  for (std::int64_t i = 0; i < m; ++i) {
    pairs.sizes.push_back(std::abs(off.back() * vectors[m - 1][i].item<double>()));
  }
  return pairs;
}

struct Dominant {
  std::size_t index;
  double value, residual;
  double error;  // estimate: the bounds of `lanczos`; infinite while the other end may be the dominant one
};

Dominant dominant_of(const RitzPairs& ritz, double tolerance) {
  const auto last = ritz.values.size() - 1;
  const bool take_high = std::abs(ritz.values[last]) >= std::abs(ritz.values[0]) * (1 - kTie);
  const auto index = take_high ? last : 0, other = last - index;
  Dominant found{index, ritz.values[index], ritz.sizes[index], ritz.sizes[index]};
  if (last == 0) {
    return found;
  }
  const double gap = std::abs(found.value - ritz.values[take_high ? last - 1 : 1]);
  const bool contested =
      std::abs(ritz.values[other]) + ritz.sizes[other] > std::abs(found.value) * (1 + std::max(tolerance, kTie));
  found.error = contested ? std::numeric_limits<double>::infinity()
                          : std::min(found.residual, found.residual * found.residual / gap);
  return found;
}

/// ||v - product / lambda||; not a number for lambda = 0.
double residual_of(const torch::Tensor& v, const torch::Tensor& product, double lambda) {
  auto left = v.clone();
  with_type(v, [&]<typename Real>() {
    const double factors[] = {-1 / lambda};
    const Real* const basis[] = {product.data_ptr<Real>()};
    combine<Real>(v.numel(), factors, basis, 1, left.data_ptr<Real>());
  });
  return std::sqrt(inner_product(left, left));
}

template <typename Real>
torch::Tensor ritz_vector(const torch::Tensor& coefficients, std::span<const Real* const> basis,
                          const torch::Tensor& like) {
  auto v = torch::empty_like(like);
  const auto factors = coefficients.contiguous();
  combine<Real>(v.numel(), {factors.data_ptr<double>(), basis.size()}, basis, 0, v.data_ptr<Real>());
  return v;
}

template <typename Real>
Spectrum lanczos_of(const SymmetricMap& map, const torch::Tensor& start, const LanczosOptions& options) {
  const auto size = start.numel(), steps = std::min(options.steps, size);
  std::vector<torch::Tensor> basis{unit(start)};
  std::vector<const Real*> elements{basis.back().data_ptr<Real>()};
  std::vector<double> diagonal, off;
  for (double before = kNone;;) {
    auto w = map(basis.back());
    const auto [product, norm] = orthogonalise<Real>(size, elements, w.data_ptr<Real>());
    diagonal.push_back(product);
    off.push_back(norm);
    const auto num_products = static_cast<std::int64_t>(diagonal.size());
    if (!std::isfinite(product) || !std::isfinite(norm)) {
      return {kNone, kNone, kNone, kNone, num_products, false};
    }
    const double largest = std::abs(*std::max_element(diagonal.begin(), diagonal.end(),
                                                      [](double a, double b) { return std::abs(a) < std::abs(b); }));
    const bool is_closed = norm <= 1e-12 * largest;  // an invariant subspace
    const bool ends = is_closed || num_products == steps;
    if (ends || options.tolerance > 0) {
      const auto ritz = ritz_pairs(diagonal, off);
      const auto found = dominant_of(ritz, options.tolerance);
      const double allowed = options.tolerance * std::abs(found.value);
      const bool is_known =
          is_closed || (found.error <= allowed && (num_products == 1 || std::abs(found.value - before) <= allowed));
      if (ends || is_known) {
        const double residual = found.value != 0 ? found.residual / std::abs(found.value) : found.residual;
        const auto column = ritz.vectors.select(1, static_cast<std::int64_t>(found.index));
        return {ritz.values.back(),
                ritz.values.front(),
                found.value,
                residual,
                num_products,
                is_known || (options.tolerance == 0 && residual < kConverged),
                options.wants_vector ? ritz_vector<Real>(column, elements, start) : torch::Tensor{}};
      }
      before = found.value;
    }
    scale<Real>(size, 1 / norm, w.data_ptr<Real>(), w.data_ptr<Real>());
    basis.push_back(std::move(w));
    elements.push_back(basis.back().data_ptr<Real>());
  }
}

}  // namespace

double inner_product(const torch::Tensor& a, const torch::Tensor& b) {
  return with_type(a, [&]<typename Real>() { return dot<Real>(a.numel(), a.data_ptr<Real>(), b.data_ptr<Real>()); });
}

Spectrum lanczos(const SymmetricMap& map, const torch::Tensor& start, const LanczosOptions& options) {
  return with_type(start, [&]<typename Real>() { return lanczos_of<Real>(map, start, options); });
}

Spectrum power_iteration(const SymmetricMap& map, const torch::Tensor& start, std::int64_t iterations,
                         double tolerance) {
  auto v = unit(start);
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
    spectrum.residual = residual_of(v, product, lambda);
    if (norm == 0) {
      spectrum.converged = true;
      break;
    }
    v = scaled(product, 1 / norm);
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
