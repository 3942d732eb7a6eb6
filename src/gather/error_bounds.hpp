#pragma once
// How far roundings may move distances on one block.
//
// By products: a_i = w_i - r, then d^2 = <a_i,a_i> + <a_j,a_j> - 2 <a_i,a_j>. A sum of products whose terms each see at
// most m roundings is off by at most gamma ||a_i|| ||a_j||, gamma = m u / (1 - m u), u = 2^-53; the subtraction of r
// moves a_i by u ||a_i||; two more roundings end it. With S = ||a_i||^2 + ||a_j||^2 all of it is below (2 m + 10) u S,
// up to 1 %. (Higham, Accuracy and Stability of Numerical Algorithms, 3.1.) Directly, a sum of squares of differences:
// (m + 3) u relative. Products below the smallest double are lost: kSmallest an element.
#include <cstdint>

namespace unroll::gather {

inline constexpr double kUnit = 0x1p-53, kSmallest = 0x1p-1070;

/// Times S.
[[nodiscard]] constexpr double product_bound(std::int64_t roundings) {
  return 1.01 * (2 * static_cast<double>(roundings) + 10) * kUnit;
}
/// Relative.
[[nodiscard]] constexpr double direct_bound(std::int64_t roundings) {
  return 1.01 * (static_cast<double>(roundings) + 3) * kUnit;
}

}  // namespace unroll::gather
