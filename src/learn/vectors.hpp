#pragma once
// Loops over long vectors for the eigenvalue solvers. Inner products as base/block_sum.hpp adds them; every element is
// formed in double and rounded once. Real is float or double.
#include <cstdint>
#include <span>
#include <vector>

namespace unroll::learn {

template <typename Real>
[[nodiscard]] double dot(std::int64_t size, const Real* a, const Real* b);

/// to = factor * from; to may be from.
template <typename Real>
void scale(std::int64_t size, double factor, const Real* from, Real* to);

/// to = initial * to + sum over k of factors[k] * basis[k]
template <typename Real>
void combine(std::int64_t size, std::span<const double> factors, std::span<const Real* const> basis, double initial,
             Real* to);

struct Orthogonalised {
  double last_product;  // <basis.back(), w> before
  double norm;          // ||w|| after
};

/// Takes the projections on an orthonormal basis out of w, by classical Gram-Schmidt twice (twice is enough: Giraud,
/// Langou, Rozloznik, van den Eshof 2005). Reads the basis three times.
template <typename Real>
Orthogonalised orthogonalise(std::int64_t size, std::span<const Real* const> basis, Real* w);

}  // namespace unroll::learn
