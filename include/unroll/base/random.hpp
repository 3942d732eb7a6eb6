#pragma once
// Counter-based randomness (Philox4x32-10: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3",
// SC 2011). A draw is a pure function of (root seed, purpose, a, b): there is no state, so nothing depends on which
// rank, lane or moment asks. Purpose is a short text such as "order" or "init".
#include <array>
#include <cstdint>
#include <string_view>

namespace unroll {

/// One block of Philox4x32-10.
[[nodiscard]] std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter,
                                                      std::array<std::uint32_t, 2> key);

/// The Philox key is mix(mix(seed) ^ fnv1a(purpose)), with splitmix64's finaliser and 64-bit FNV-1a; the counter is
/// (a, b), low words first. Ids and results depend on this: a test freezes literal values.
class RandomStream {
 public:
  RandomStream(std::uint64_t seed, std::string_view purpose);

  /// 64 random bits for the pair (a, b), for example (epoch, data set row) or (parameter, element).
  [[nodiscard]] std::uint64_t bits(std::uint64_t a, std::uint64_t b) const;
  /// Uniform in [0, 1) with 53 random bits.
  [[nodiscard]] double uniform(std::uint64_t a, std::uint64_t b) const;
  /// Standard normal (Box-Muller on one Philox block).
  [[nodiscard]] double normal(std::uint64_t a, std::uint64_t b) const;

 private:
  std::array<std::uint32_t, 2> key_;
};

}  // namespace unroll
