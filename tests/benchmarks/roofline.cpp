#include "roofline.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <algorithm>
#include <chrono>
#include <vector>

namespace unroll::bench {
namespace {

using Clock = std::chrono::steady_clock;
constexpr int kRuns = 7;
constexpr int kChains = 12;  // independent sums: enough to hide the latency of a fused multiply-add

/// A result that the compiler must compute.
template <typename Value>
void keep(const Value& value) {
  asm volatile("" : : "g"(&value) : "memory");
}

/// The smallest time of one call.
template <typename Work>
double best_seconds(Work work) {
  double best = 1e30;
  for (int run = 0; run < kRuns; ++run) {
    const auto start = Clock::now();
    work();
    best = std::min(best, std::chrono::duration<double>(Clock::now() - start).count());
  }
  return best;
}

#if defined(__x86_64__)
__attribute__((target("avx512f"))) void multiply_add_512(std::int64_t rounds) {
  __m512 sums[kChains];
  for (int c = 0; c < kChains; ++c) {
    sums[c] = _mm512_set1_ps(static_cast<float>(c));
  }
  const auto factor = _mm512_set1_ps(0.999F), term = _mm512_set1_ps(0.001F);
  for (std::int64_t i = 0; i < rounds; ++i) {
    for (int c = 0; c < kChains; ++c) {
      sums[c] = _mm512_fmadd_ps(sums[c], factor, term);
    }
  }
  keep(sums);
}

__attribute__((target("avx2,fma"))) void multiply_add_256(std::int64_t rounds) {
  __m256 sums[kChains];
  for (int c = 0; c < kChains; ++c) {
    sums[c] = _mm256_set1_ps(static_cast<float>(c));
  }
  const auto factor = _mm256_set1_ps(0.999F), term = _mm256_set1_ps(0.001F);
  for (std::int64_t i = 0; i < rounds; ++i) {
    for (int c = 0; c < kChains; ++c) {
      sums[c] = _mm256_fmadd_ps(sums[c], factor, term);
    }
  }
  keep(sums);
}

#define UNROLL_WIDEST __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define UNROLL_WIDEST
#endif

using Vector128 = float __attribute__((vector_size(16)));

void multiply_add_128(std::int64_t rounds) {
  Vector128 sums[kChains] = {};
  for (std::int64_t i = 0; i < rounds; ++i) {
    for (auto& sum : sums) {
      sum = sum * 0.999F + 0.001F;
    }
  }
  keep(sums);
}

UNROLL_WIDEST void triad(float* to, const float* from, const float* other, float factor, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    to[i] = from[i] + factor * other[i];
  }
}

}  // namespace

Peak peak_flops() {
  constexpr std::int64_t kRounds = 2'000'000;
  int bits = 128;
  auto* multiply_add = multiply_add_128;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) {
    bits = 512;
    multiply_add = multiply_add_512;
  } else if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    bits = 256;
    multiply_add = multiply_add_256;
  }
#endif
  const double seconds = best_seconds([&] { multiply_add(kRounds); });
  return {bits, 2.0 * kChains * (bits / 32) * static_cast<double>(kRounds) / seconds};
}

double triad_bytes_per_s(std::int64_t working_set) {
  const auto count = std::max<std::int64_t>(working_set / 12, 1);
  std::vector<float> a(static_cast<std::size_t>(count)), b(a.size(), 1), c(a.size(), 2);
  const auto repeats = std::max<std::int64_t>(1, 100'000'000 / working_set);
  const double seconds = best_seconds([&] {
    for (std::int64_t repeat = 0; repeat < repeats; ++repeat) {
      triad(a.data(), b.data(), c.data(), static_cast<float>(repeat), count);
      keep(a.front());
    }
  });
  return 12.0 * static_cast<double>(count) * static_cast<double>(repeats) / seconds;
}

}  // namespace unroll::bench
