#pragma once
// Sums that are the same bits wherever and however they are computed: in double, over fixed blocks of 65,536 elements
// a tensor, each block by eight interleaved partial sums added in order, and the blocks' sums in index order
// (DESIGN 4.8).
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace unroll {

inline constexpr std::int64_t kBlockSize = 65536;

/// Adds over [0, count) the N values that term(i) returns (std::array<double, N>), block after block.
template <std::size_t N, typename Term>
std::array<double, N> block_sum(std::int64_t count, Term term) {
  constexpr std::size_t kWays = 8;
  std::array<double, N> total{};
  for (std::int64_t start = 0; start < count; start += kBlockSize) {
    const std::int64_t end = std::min(count, start + kBlockSize);
    std::array<std::array<double, kWays>, N> partial{};
    std::int64_t i = start;
    for (; i + static_cast<std::int64_t>(kWays) <= end; i += static_cast<std::int64_t>(kWays)) {
      for (std::size_t way = 0; way < kWays; ++way) {
        const auto values = term(i + static_cast<std::int64_t>(way));
        for (std::size_t n = 0; n < N; ++n) {
          partial[n][way] += values[n];
        }
      }
    }
    for (std::size_t way = 0; i < end; ++i, ++way) {
      const auto values = term(i);
      for (std::size_t n = 0; n < N; ++n) {
        partial[n][way] += values[n];
      }
    }
    for (std::size_t n = 0; n < N; ++n) {
      double block = 0;
      for (std::size_t way = 0; way < kWays; ++way) {
        block += partial[n][way];
      }
      total[n] += block;
    }
  }
  return total;
}

}  // namespace unroll
