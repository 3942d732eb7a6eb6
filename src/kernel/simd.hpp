// Vectors of the build's native width, with loads and stores of their first elements alone. Included by kernels.cpp
// only, once a build: everything lives in that build's namespace and nothing of the standard library is instantiated,
// so that no function of a higher instruction set can be picked for another file.
#include <cstdint>
#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace unroll::kernel::UNROLL_KERNEL_BUILD {

#if defined(__AVX512F__)
inline constexpr int kBytes = 64, kTileColumns = 4;
#elif defined(__AVX2__)
inline constexpr int kBytes = 32, kTileColumns = 3;
#else
inline constexpr int kBytes = 16, kTileColumns = 2;
#endif
inline constexpr int kTileRows = 4;

template <typename Real>
struct Simd;
template <>
struct Simd<float> {
  typedef float Vec __attribute__((vector_size(kBytes)));
  typedef std::int32_t Int __attribute__((vector_size(kBytes)));
  typedef std::uint32_t Bits __attribute__((vector_size(kBytes)));
  using Scalar = std::int32_t;
  static constexpr int kMantissa = 23, kTerms = 8;
  static constexpr std::uint32_t kOne = 0x3F800000;
  static constexpr float kRound = 12582912.0F;  // 1.5 * 2^23: adding it leaves an integer in the last bits
  static constexpr float kLog2High = 0.693145751953125F, kLog2Low = 1.428606820309417e-06F;
  static constexpr float kSmallest = -87.0F;  // below: exp is taken as 0
};
template <>
struct Simd<double> {
  typedef double Vec __attribute__((vector_size(kBytes)));
  typedef std::int64_t Int __attribute__((vector_size(kBytes)));
  typedef std::uint64_t Bits __attribute__((vector_size(kBytes)));
  using Scalar = std::int64_t;
  static constexpr int kMantissa = 52, kTerms = 14;
  static constexpr std::uint64_t kOne = 0x3FF0000000000000;
  static constexpr double kRound = 6755399441055744.0;  // 1.5 * 2^52
  static constexpr double kLog2High = 0.6931471803691238, kLog2Low = 1.9082149292705877e-10;
  static constexpr double kSmallest = -708.0;
};

template <typename Real>
using Vec = typename Simd<Real>::Vec;
template <typename Real>
inline constexpr int kWidth = kBytes / static_cast<int>(sizeof(Real));

#define UNROLL_INLINE [[gnu::always_inline]] inline

template <typename Real>
UNROLL_INLINE Vec<Real> broadcast(Real value) {
  return Vec<Real>{} + value;
}

template <typename Real>
UNROLL_INLINE Vec<Real> load(const Real* from) {
  Vec<Real> v;
  __builtin_memcpy(&v, from, sizeof(v));
  return v;
}

template <typename Real>
UNROLL_INLINE void store(Real* to, Vec<Real> v) {
  __builtin_memcpy(to, &v, sizeof(v));
}

/// The first `count` elements, zeros after them.
#if defined(__AVX512F__)
UNROLL_INLINE Vec<float> load(const float* from, int count) {
  return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1U << count) - 1U), from);
}
UNROLL_INLINE Vec<double> load(const double* from, int count) {
  return _mm512_maskz_loadu_pd(static_cast<__mmask8>((1U << count) - 1U), from);
}
UNROLL_INLINE void store(float* to, Vec<float> v, int count) {
  _mm512_mask_storeu_ps(to, static_cast<__mmask16>((1U << count) - 1U), v);
}
UNROLL_INLINE void store(double* to, Vec<double> v, int count) {
  _mm512_mask_storeu_pd(to, static_cast<__mmask8>((1U << count) - 1U), v);
}
#elif defined(__AVX2__)
UNROLL_INLINE __m256i first_elements(std::int32_t count, float) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
UNROLL_INLINE __m256i first_elements(std::int32_t count, double) {
  return _mm256_cmpgt_epi64(_mm256_set1_epi64x(count), _mm256_setr_epi64x(0, 1, 2, 3));
}
UNROLL_INLINE Vec<float> load(const float* from, int count) {
  return _mm256_maskload_ps(from, first_elements(count, float{}));
}
UNROLL_INLINE Vec<double> load(const double* from, int count) {
  return _mm256_maskload_pd(from, first_elements(count, double{}));
}
UNROLL_INLINE void store(float* to, Vec<float> v, int count) {
  _mm256_maskstore_ps(to, first_elements(count, float{}), v);
}
UNROLL_INLINE void store(double* to, Vec<double> v, int count) {
  _mm256_maskstore_pd(to, first_elements(count, double{}), v);
}
#else
template <typename Real>
UNROLL_INLINE Vec<Real> load(const Real* from, int count) {
  Vec<Real> v{};
  for (int i = 0; i < count; ++i) {
    v[i] = from[i];
  }
  return v;
}
template <typename Real>
UNROLL_INLINE void store(Real* to, Vec<Real> v, int count) {
  for (int i = 0; i < count; ++i) {
    to[i] = v[i];
  }
}
#endif

/// 0, 1, 2, ...
template <typename Real>
UNROLL_INLINE typename Simd<Real>::Int indices() {
  typename Simd<Real>::Int v{};
  for (int i = 0; i < kWidth<Real>; ++i) {
    v[i] = i;
  }
  return v;
}

/// Sum of all elements, halves added to halves.
template <typename Real>
UNROLL_INLINE Real sum(Vec<Real> v) {
  Real parts[kWidth<Real>];
  store(parts, v);
  for (int half = kWidth<Real> / 2; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) {
      parts[i] += parts[i + half];
    }
  }
  return parts[0];
}

/// 1/n! for n = 1..terms, as the compiler's constants.
template <typename Real>
UNROLL_INLINE constexpr Real inverse_factorial(int n) {
  Real product = 1;
  for (int i = 2; i <= n; ++i) {
    product *= static_cast<Real>(i);
  }
  return 1 / product;
}

/// e^x - 1 as scale * p + (scale - 1) with e^x = scale * (p + 1), for x <= 0: Taylor's series of e^r, |r| <= log(2)/2,
/// whose rest is below half an ulp.
template <typename Real>
struct Exponential {
  Vec<Real> scale, p;

  UNROLL_INLINE explicit Exponential(Vec<Real> x) {
    using S = Simd<Real>;
    const Vec<Real> shifted = x * static_cast<Real>(1.4426950408889634) + S::kRound;
    const Vec<Real> n = shifted - S::kRound;
    const Vec<Real> r = (x - n * S::kLog2High) - n * S::kLog2Low;
    typename S::Bits bits;  // wraps: exp_of_negative() replaces what is far below 0
    __builtin_memcpy(&bits, &shifted, sizeof(bits));
    bits = (bits << S::kMantissa) + S::kOne;
    __builtin_memcpy(&scale, &bits, sizeof(bits));
    Vec<Real> series = broadcast(inverse_factorial<Real>(S::kTerms));
#pragma GCC unroll 16
    for (int term = S::kTerms - 1; term >= 1; --term) {
      series = series * r + inverse_factorial<Real>(term);
    }
    p = series * r;
  }
};

/// e^x for x <= 0; not a number stays one.
template <typename Real>
UNROLL_INLINE Vec<Real> exp_of_negative(Vec<Real> x) {
  const Exponential<Real> e(x);
  return x < Simd<Real>::kSmallest ? Vec<Real>{} : e.scale * e.p + e.scale;
}

/// e^x - 1 for x <= 0.
template <typename Real>
UNROLL_INLINE Vec<Real> expm1_of_negative(Vec<Real> x) {
  const Exponential<Real> e(x);
  return x < Simd<Real>::kSmallest ? broadcast(Real{-1}) : e.scale * e.p + (e.scale - 1);
}

/// log x for normal x > 0: x = 2^n m with m in [sqrt 1/2, sqrt 2], log m = 2 artanh((m - 1) / (m + 1)) as a series.
UNROLL_INLINE Vec<double> log_of_positive(Vec<double> x) {
  using S = Simd<double>;
  constexpr std::int64_t kHalfBits = 0x3FE6A09E667F3BCD;  // sqrt 1/2
  typename S::Int bits;
  __builtin_memcpy(&bits, &x, sizeof(bits));
  const typename S::Int exponent = (bits - kHalfBits) >> S::kMantissa;
  bits -= exponent << S::kMantissa;
  Vec<double> m;
  __builtin_memcpy(&m, &bits, sizeof(m));
  // The exponent as a double: in the last bits of kRound, taken away again.
  typename S::Int shifted;
  const Vec<double> round = broadcast(S::kRound);
  __builtin_memcpy(&shifted, &round, sizeof(shifted));
  shifted += exponent;
  Vec<double> n;
  __builtin_memcpy(&n, &shifted, sizeof(n));
  n -= S::kRound;
  const Vec<double> s = (m - 1) / (m + 1);
  const Vec<double> square = s * s;
  Vec<double> series = broadcast(1.0 / 25);
#pragma GCC unroll 16
  for (int term = 11; term >= 1; --term) {
    series = series * square + 1.0 / (2 * term + 1);
  }
  const Vec<double> rest = s * square * series * 2 + n * S::kLog2Low;
  return n * S::kLog2High + (s * 2 + rest);
}

}  // namespace unroll::kernel::UNROLL_KERNEL_BUILD
