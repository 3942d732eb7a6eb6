// Built once an instruction set (CMakeLists.txt). Everything lives in the build's namespace and nothing of the standard
// library is instantiated, so that no function of a higher instruction set can be picked for another file.
#include <cstdint>

#include "gather/products.hpp"
#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace unroll::gather::UNROLL_GATHER_BUILD {
namespace {

// A vector is a part of the eight ways of a sum: each way is a chain of its own, whatever the width. A tile is worked
// through in strips of kStrip columns of pairs, so that the sums stay in registers.
#if defined(__AVX512F__)
using Vec = __m512d;
constexpr std::int64_t kWidth = 8, kStrip = 4;
inline Vec load(const double* from) { return _mm512_loadu_pd(from); }
inline void store(double* to, Vec v) { _mm512_storeu_pd(to, v); }
inline Vec add(Vec a, Vec b) { return _mm512_add_pd(a, b); }
inline Vec multiply_add(Vec a, Vec b, Vec c) { return _mm512_fmadd_pd(a, b, c); }
inline Vec zero() { return _mm512_setzero_pd(); }
#elif defined(__AVX2__)
using Vec = __m256d;
constexpr std::int64_t kWidth = 4, kStrip = 2;
inline Vec load(const double* from) { return _mm256_loadu_pd(from); }
inline void store(double* to, Vec v) { _mm256_storeu_pd(to, v); }
inline Vec add(Vec a, Vec b) { return _mm256_add_pd(a, b); }
inline Vec multiply_add(Vec a, Vec b, Vec c) { return _mm256_fmadd_pd(a, b, c); }
inline Vec zero() { return _mm256_setzero_pd(); }
#else
using Vec = double;
constexpr std::int64_t kWidth = 1, kStrip = 2;
inline Vec load(const double* from) { return *from; }
inline void store(double* to, Vec v) { *to = v; }
inline Vec add(Vec a, Vec b) { return a + b; }
inline Vec multiply_add(Vec a, Vec b, Vec c) { return __builtin_fma(a, b, c); }
inline Vec zero() { return 0; }
#endif

/// sums of the pairs of four rows at a with kStrip rows at b, one vector of the ways.
[[gnu::always_inline]] inline void add_strip(const double* a, const double* b, std::int64_t length, double* sums) {
  Vec chain[kTile][kStrip];
#pragma GCC unroll 16
  for (std::int64_t i = 0; i < kTile * kStrip; ++i) {
    chain[i / kStrip][i % kStrip] = zero();
  }
  for (std::int64_t k = 0; k < length; k += kSumWays) {
    Vec right[kStrip];
#pragma GCC unroll 4
    for (std::int64_t j = 0; j < kStrip; ++j) {
      right[j] = load(b + j * kStride + k);
    }
#pragma GCC unroll 4
    for (std::int64_t i = 0; i < kTile; ++i) {
      const Vec left = load(a + i * kStride + k);
#pragma GCC unroll 4
      for (std::int64_t j = 0; j < kStrip; ++j) {
        chain[i][j] = multiply_add(left, right[j], chain[i][j]);
      }
    }
  }
#pragma GCC unroll 4
  for (std::int64_t i = 0; i < kTile; ++i) {
#pragma GCC unroll 4
    for (std::int64_t j = 0; j < kStrip; ++j) {
      double* sum = sums + (i * kTile + j) * kSumWays;
      store(sum, add(load(sum), chain[i][j]));
    }
  }
}

}  // namespace

void add_products(std::int64_t num_tiles, const double* rows, std::int64_t length, double* sums) {
  for (std::int64_t i = 0; i < num_tiles; ++i) {
    for (std::int64_t j = i; j < num_tiles; ++j) {
      for (std::int64_t way = 0; way < kSumWays; way += kWidth) {
        for (std::int64_t strip = 0; strip < kTile; strip += kStrip) {
          add_strip(rows + i * kTile * kStride + way, rows + (j * kTile + strip) * kStride + way, length,
                    sums + strip * kSumWays + way);
        }
      }
      sums += kTile * kTile * kSumWays;
    }
  }
}

}  // namespace unroll::gather::UNROLL_GATHER_BUILD
