#pragma once
// Sums that are the same bits wherever and however they are computed: in double, over fixed blocks of 65,536 elements
// a tensor, each block by eight interleaved partial sums added in order, and the blocks' sums in index order
// (DESIGN 4.8). Eight elements are one vector, whatever the instruction set: nothing is contracted or reassociated, so
// wider registers give the same bits (UNROLL_WIDE functions are compiled for several sets and chosen at load time).
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__)
#define UNROLL_WIDE [[gnu::target_clones("avx512f", "avx2", "default")]]
#else
#define UNROLL_WIDE
#endif
#define UNROLL_INLINE_LOOP [[gnu::always_inline]] inline

namespace unroll {

inline constexpr std::int64_t kBlockSize = 65536;
inline constexpr std::int64_t kWays = 8;

/// Eight doubles; arithmetic is element by element.
typedef double Ways __attribute__((vector_size(kWays * sizeof(double))));

/// from[0, count) as doubles, count up to kWays; 0 behind them.
UNROLL_INLINE_LOOP void load_ways(const double* from, std::int64_t count, Ways& to) {
  to = Ways{};
  std::memcpy(&to, from, static_cast<std::size_t>(count) * sizeof(double));
}
UNROLL_INLINE_LOOP void load_ways(const float* from, std::int64_t count, Ways& to) {
  typedef float Narrow __attribute__((vector_size(kWays * sizeof(float))));
  Narrow values{};
  std::memcpy(&values, from, static_cast<std::size_t>(count) * sizeof(float));
  to = __builtin_convertvector(values, Ways);
}

/// Adds over [0, count) what add(i, n, sums) adds to its N sums for the elements i to i + n, n up to kWays, each in its
/// own way; add leaves the ways from n on as they are, or adds 0 to them.
template <std::size_t N, typename Add>
UNROLL_INLINE_LOOP std::array<double, N> block_sum(std::int64_t count, Add add) {
  std::array<double, N> total{};
  for (std::int64_t start = 0; start < count; start += kBlockSize) {
    const std::int64_t end = std::min(count, start + kBlockSize);
    Ways partial[N]{};
    std::int64_t i = start;
    for (; i + kWays <= end; i += kWays) {
      add(i, kWays, partial);
    }
    if (i < end) {
      add(i, end - i, partial);
    }
    for (std::size_t n = 0; n < N; ++n) {
      double block = 0;
      for (std::int64_t way = 0; way < kWays; ++way) {
        block += partial[n][way];
      }
      total[n] += block;
    }
  }
  return total;
}

/// ||a - b||^2.
template <typename Real>
UNROLL_INLINE_LOOP double square_apart(std::int64_t count, const Real* a, const Real* b) {
  return block_sum<1>(
      count, [=](std::int64_t i, std::int64_t n, Ways * sum) __attribute__((always_inline)) {
        Ways left, right;
        load_ways(a + i, n, left);
        load_ways(b + i, n, right);
        const Ways apart = left - right;
        sum[0] += apart * apart;
      })[0];
}

}  // namespace unroll
