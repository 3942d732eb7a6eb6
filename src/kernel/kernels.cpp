// The functions of functions.hpp, built once an instruction set (CMakeLists.txt gives UNROLL_KERNEL_BUILD and the
// flags). Contraction is on here: a multiply that is added becomes one fused operation, in a vector and in its tail.
#include "kernel/functions.hpp"
#include "kernel/simd.hpp"

namespace unroll::kernel::UNROLL_KERNEL_BUILD {
namespace {

template <typename Real>
struct Product {
  const Real* const* a;
  const Real* const* b;
  std::int64_t n, k;
  Start<Real> start;
  Real* c;
};

/// `tail` elements of the tile's last vector are there (kPartial), or all.
template <typename Real, bool kPartial>
UNROLL_INLINE Vec<Real> load_column(const Real* from, bool is_last, int tail) {
  return kPartial && is_last ? load(from, tail) : load(from);
}

/// Outputs [i, i + M) x [j, j + N vectors): M x N chains of fused multiply-adds.
template <typename Real, bool kTransposed, int M, int N, bool kPartial>
UNROLL_INLINE void tile(const Product<Real>& p, std::int64_t i, std::int64_t j, int tail) {
  constexpr int kStep = kWidth<Real>;
  Vec<Real> acc[M][N];
#pragma GCC unroll 8
  for (int m = 0; m < M; ++m) {
#pragma GCC unroll 8
    for (int n = 0; n < N; ++n) {
      const std::int64_t column = j + n * kStep;
      acc[m][n] = p.start.accumulate ? load_column<Real, kPartial>(p.c + (i + m) * p.n + column, n == N - 1, tail)
                  : p.start.bias != nullptr ? load_column<Real, kPartial>(p.start.bias + column, n == N - 1, tail)
                                            : Vec<Real>{};
    }
  }
  const Real* rows[M];
  for (int m = 0; m < M; ++m) {
    rows[m] = kTransposed ? nullptr : p.a[i + m];
  }
  for (std::int64_t k = 0; k < p.k; ++k) {
    const Real* b = p.b[k] + j;
    const Real* a = kTransposed ? p.a[k] + i : nullptr;
    Vec<Real> columns[N];
#pragma GCC unroll 8
    for (int n = 0; n < N; ++n) {
      columns[n] = load_column<Real, kPartial>(b + n * kStep, n == N - 1, tail);
    }
#pragma GCC unroll 8
    for (int m = 0; m < M; ++m) {
      const Real factor = kTransposed ? a[m] : rows[m][k];
#pragma GCC unroll 8
      for (int n = 0; n < N; ++n) {
        acc[m][n] += factor * columns[n];
      }
    }
  }
#pragma GCC unroll 8
  for (int m = 0; m < M; ++m) {
#pragma GCC unroll 8
    for (int n = 0; n < N; ++n) {
      Real* to = p.c + (i + m) * p.n + j + n * kStep;
      if (kPartial && n == N - 1) {
        store(to, acc[m][n], tail);
      } else {
        store(to, acc[m][n]);
      }
    }
  }
}

template <typename Real, bool kTransposed, int N, bool kPartial>
void column_of_tiles(const Product<Real>& p, std::int64_t m, std::int64_t j, int tail) {
  std::int64_t i = 0;
  if constexpr (N == 1) {  // enough chains to hide how long one multiply-add takes
    for (; i + 8 <= m; i += 8) {
      tile<Real, kTransposed, 8, N, kPartial>(p, i, j, tail);
    }
  }
  for (; i + 4 <= m; i += 4) {
    tile<Real, kTransposed, 4, N, kPartial>(p, i, j, tail);
  }
  if (m - i >= 2) {
    tile<Real, kTransposed, 2, N, kPartial>(p, i, j, tail);
    i += 2;
  }
  if (i < m) {
    tile<Real, kTransposed, 1, N, kPartial>(p, i, j, tail);
  }
}

template <typename Real, bool kTransposed, int N>
void last_columns(const Product<Real>& p, std::int64_t m, std::int64_t j, std::int64_t num_vectors, int tail) {
  if constexpr (N > 0) {
    if (num_vectors < N) {
      last_columns<Real, kTransposed, N - 1>(p, m, j, num_vectors, tail);
    } else if (tail != 0) {
      column_of_tiles<Real, kTransposed, N, true>(p, m, j, tail);
    } else {
      column_of_tiles<Real, kTransposed, N, false>(p, m, j, 0);
    }
  }
}

template <typename Real, bool kTransposed>
void product_of(const Real* const* a, const Real* const* b, std::int64_t m, std::int64_t n, std::int64_t k,
                Start<Real> start, Real* c) {
  const Product<Real> p{a, b, n, k, start, c};
  constexpr std::int64_t kStep = kWidth<Real>, kTile = kTileColumns * kStep;
  std::int64_t j = 0;
  for (; j + kTile <= n; j += kTile) {
    column_of_tiles<Real, kTransposed, kTileColumns, false>(p, m, j, 0);
  }
  last_columns<Real, kTransposed, kTileColumns>(p, m, j, (n - j + kStep - 1) / kStep,
                                                static_cast<int>((n - j) % kStep));
}

template <typename Real, int M, int N>
UNROLL_INLINE void dots_of(const Real* const* a, const Real* const* b, std::int64_t i, std::int64_t j, std::int64_t n,
                           std::int64_t k, Start<Real> start, Real* c) {
  constexpr int kStep = kWidth<Real>;
  Vec<Real> acc[M][N];
#pragma GCC unroll 8
  for (int m = 0; m < M; ++m) {
#pragma GCC unroll 8
    for (int column = 0; column < N; ++column) {
      acc[m][column] = Vec<Real>{};
    }
  }
  const auto add = [&](auto take) {
    Vec<Real> right[N];
#pragma GCC unroll 8
    for (int column = 0; column < N; ++column) {
      right[column] = take(b[j + column]);
    }
#pragma GCC unroll 8
    for (int m = 0; m < M; ++m) {
      const Vec<Real> left = take(a[i + m]);
#pragma GCC unroll 8
      for (int column = 0; column < N; ++column) {
        acc[m][column] += left * right[column];
      }
    }
  };
  std::int64_t at = 0;
  for (; at + kStep <= k; at += kStep) {
    add([&](const Real* row) { return load(row + at); });
  }
  if (at < k) {
    const int tail = static_cast<int>(k - at);
    add([&](const Real* row) { return load(row + at, tail); });
  }
#pragma GCC unroll 8
  for (int m = 0; m < M; ++m) {
#pragma GCC unroll 8
    for (int column = 0; column < N; ++column) {
      Real& to = c[(i + m) * n + j + column];
      const Real first = start.accumulate ? to : start.bias != nullptr ? start.bias[j + column] : Real{0};
      to = first + sum<Real>(acc[m][column]);
    }
  }
}

template <typename Real>
void dots(const Real* const* a, const Real* const* b, std::int64_t m, std::int64_t n, std::int64_t k, Start<Real> start,
          Real* c) {
  std::int64_t i = 0;
  for (; i + kTileRows <= m; i += kTileRows) {
    std::int64_t j = 0;
    for (; j + 2 <= n; j += 2) {
      dots_of<Real, kTileRows, 2>(a, b, i, j, n, k, start, c);
    }
    if (j < n) {
      dots_of<Real, kTileRows, 1>(a, b, i, j, n, k, start, c);
    }
  }
  for (; i < m; ++i) {
    for (std::int64_t j = 0; j < n; ++j) {
      dots_of<Real, 1, 1>(a, b, i, j, n, k, start, c);
    }
  }
}

template <typename Real>
void transpose(const Real* in, std::int64_t rows, std::int64_t columns, Real* out) {
  typedef Real Four __attribute__((vector_size(4 * sizeof(Real)), aligned(alignof(Real))));
  typedef typename Simd<Real>::Scalar Index __attribute__((vector_size(4 * sizeof(Real))));
  typedef Real Quad __attribute__((vector_size(4 * sizeof(Real))));
  const auto quad = [](const Real* from) __attribute__((always_inline)) {
    return static_cast<Quad>(*reinterpret_cast<const Four*>(from));
  };
  const auto put = [](Real * to, Quad v) __attribute__((always_inline)) { *reinterpret_cast<Four*>(to) = v; };
  std::int64_t i = 0;
  for (; i + 4 <= rows; i += 4) {
    std::int64_t j = 0;
    for (; j + 4 <= columns; j += 4) {
      const Real* from = in + i * columns + j;
      const Quad r0 = quad(from), r1 = quad(from + columns), r2 = quad(from + 2 * columns),
                 r3 = quad(from + 3 * columns);
      const Quad low01 = __builtin_shuffle(r0, r1, Index{0, 4, 1, 5}),
                 high01 = __builtin_shuffle(r0, r1, Index{2, 6, 3, 7});
      const Quad low23 = __builtin_shuffle(r2, r3, Index{0, 4, 1, 5}),
                 high23 = __builtin_shuffle(r2, r3, Index{2, 6, 3, 7});
      Real* to = out + j * rows + i;
      put(to, __builtin_shuffle(low01, low23, Index{0, 1, 4, 5}));
      put(to + rows, __builtin_shuffle(low01, low23, Index{2, 3, 6, 7}));
      put(to + 2 * rows, __builtin_shuffle(high01, high23, Index{0, 1, 4, 5}));
      put(to + 3 * rows, __builtin_shuffle(high01, high23, Index{2, 3, 6, 7}));
    }
    for (; j < columns; ++j) {
      for (std::int64_t r = i; r < i + 4; ++r) {
        out[j * rows + r] = in[r * columns + j];
      }
    }
  }
  for (; i < rows; ++i) {
    for (std::int64_t j = 0; j < columns; ++j) {
      out[j * rows + i] = in[i * columns + j];
    }
  }
}

/// Calls body(at, count) for every vector of [0, count); count is the width but for the last one.
template <typename Real, typename Body>
UNROLL_INLINE void by_vectors(std::int64_t count, Body body) {
  std::int64_t at = 0;
  for (; at + kWidth<Real> <= count; at += kWidth<Real>) {
    body(at, kWidth<Real>);
  }
  if (at < count) {
    body(at, static_cast<int>(count - at));
  }
}

template <typename Real>
UNROLL_INLINE Vec<Real> take(const Real* from, int count) {
  return count == kWidth<Real> ? load(from) : load(from, count);
}

template <typename Real>
UNROLL_INLINE void put(Real* to, Vec<Real> v, int count) {
  if (count == kWidth<Real>) {
    store(to, v);
  } else {
    store(to, v, count);
  }
}

template <typename Real>
void column_sums(const Real* a, std::int64_t rows, std::int64_t columns, Real* sums) {
  by_vectors<Real>(columns, [&](std::int64_t j, int count) {
    Vec<Real> total{};
    for (std::int64_t i = 0; i < rows; ++i) {
      total += take(a + i * columns + j, count);
    }
    put(sums + j, total, count);
  });
}

template <typename Real>
struct Activated {
  Vec<Real> value, slope, bend;
};

template <typename Real>
UNROLL_INLINE Activated<Real> relu(Vec<Real> x) {
  const Vec<Real> zero{};
  return {x < zero ? zero : x, x > zero ? broadcast(Real{1}) : zero, zero};  // not a number stays one
}

template <typename Real>
UNROLL_INLINE Activated<Real> tanh(Vec<Real> x) {
  const Vec<Real> size = x < Real{0} ? -x : x;
  const Vec<Real> e = expm1_of_negative<Real>(size * Real{-2});
  const Vec<Real> of_size = -e / (e + Real{2});
  const Vec<Real> t = x < Real{0} ? -of_size : of_size;
  const Vec<Real> slope = Real{1} - t * t;
  return {t, slope, t * slope * Real{-2}};
}

template <typename Real>
UNROLL_INLINE Activated<Real> silu(Vec<Real> x) {
  const Vec<Real> e = exp_of_negative<Real>(x < Real{0} ? x : -x);
  const Vec<Real> sigmoid = (x < Real{0} ? e : broadcast(Real{1})) / (e + Real{1});
  const Vec<Real> rest = (x < Real{0} ? broadcast(Real{1}) : e) / (e + Real{1});  // 1 - sigmoid
  const Vec<Real> bend = sigmoid * rest * (Real{2} + x * (rest - sigmoid));
  return {x * sigmoid, sigmoid * (x * rest + Real{1}), bend};
}

template <typename Real, typename Of>
void activate_by(Of of, std::int64_t count, Real* values, Real* slope, Real* bend) {
  by_vectors<Real>(count, [&](std::int64_t at, int n) {
    const Activated<Real> activated = of(take(values + at, n));
    put(values + at, activated.value, n);
    if (slope != nullptr) {
      put(slope + at, activated.slope, n);
    }
    if (bend != nullptr) {
      put(bend + at, activated.bend, n);
    }
  });
}

template <typename Real>
void activate(config::Activation activation, std::int64_t count, Real* values, Real* slope, Real* bend) {
  switch (activation) {
    case config::Activation::relu:
      return activate_by([](Vec<Real> x) { return relu<Real>(x); }, count, values, slope, bend);
    case config::Activation::tanh:
      return activate_by([](Vec<Real> x) { return tanh<Real>(x); }, count, values, slope, bend);
    case config::Activation::silu:
      return activate_by([](Vec<Real> x) { return silu<Real>(x); }, count, values, slope, bend);
  }
}

template <typename Real>
void multiply(std::int64_t count, const Real* b, Real* a) {
  by_vectors<Real>(count, [&](std::int64_t at, int n) { put(a + at, take(a + at, n) * take(b + at, n), n); });
}

template <typename Real>
void multiply_add(std::int64_t count, const Real* b, const Real* c, const Real* d, const Real* e, Real* a) {
  by_vectors<Real>(count, [&](std::int64_t at, int n) {
    const Vec<Real> other = take(c + at, n) * take(d + at, n);
    put(a + at, take(a + at, n) * take(b + at, n) + other * take(e + at, n), n);
  });
}

UNROLL_INLINE double square_root(double value) { return __builtin_sqrt(value); }

template <typename Real>
UNROLL_INLINE Vec<Real> square_roots(Vec<Real> v) {
  for (int i = 0; i < kWidth<Real>; ++i) {
    v[i] = static_cast<Real>(square_root(v[i]));
  }
  return v;
}

/// Up to a vector's width of rows [classes], turned so that each class is a vector over the rows; a chunk of classes at
/// a time. Sums over classes are then chains in their order, whatever rows stand beside a row.
template <typename Real>
class Turned {
 public:
  static constexpr std::int64_t kChunk = 64;

  UNROLL_INLINE Turned(const Real* rows, int count, std::int64_t classes)
      : rows_(rows), count_(count), classes_(classes) {}

  UNROLL_INLINE void hold(std::int64_t first, std::int64_t size) {
    if (held_ == first) {
      return;
    }
    held_ = first;
    for (int row = 0; row < kWidth<Real>; ++row) {  // places beyond the last row repeat it
      const Real* from = rows_ + (row < count_ ? row : count_ - 1) * classes_ + first;
      for (std::int64_t c = 0; c < size; ++c) {
        values_[c * kWidth<Real> + row] = from[c];
      }
    }
  }
  [[nodiscard]] UNROLL_INLINE Vec<Real> of(std::int64_t place) const { return load(values_ + place * kWidth<Real>); }
  UNROLL_INLINE void set(std::int64_t place, Vec<Real> v) { store(values_ + place * kWidth<Real>, v); }
  UNROLL_INLINE void write(Real* rows, std::int64_t size) const {
    for (int row = 0; row < count_; ++row) {
      for (std::int64_t c = 0; c < size; ++c) {
        rows[row * classes_ + held_ + c] = values_[c * kWidth<Real> + row];
      }
    }
  }

 private:
  const Real* rows_;
  int count_;
  std::int64_t classes_, held_ = -1;
  alignas(kBytes) Real values_[kChunk * kWidth<Real>];
};

/// Calls chunk(first, size) for chunks of classes.
template <typename Real, typename Chunk>
UNROLL_INLINE void by_chunks(std::int64_t classes, Chunk chunk) {
  for (std::int64_t first = 0; first < classes; first += Turned<Real>::kChunk) {
    chunk(first, classes - first < Turned<Real>::kChunk ? classes - first : Turned<Real>::kChunk);
  }
}

/// Calls body(class, its vectors) for every class.
template <typename Real, typename Body, typename... Blocks>
UNROLL_INLINE void by_classes(std::int64_t classes, Body body, Blocks&... blocks) {
  by_chunks<Real>(classes, [&](std::int64_t first, std::int64_t size) {
    (blocks.hold(first, size), ...);
    for (std::int64_t place = 0; place < size; ++place) {
      body(first + place, blocks.of(place)...);
    }
  });
}

/// Writes body(class, its vectors), for every class, to rows `to` by way of the first block.
template <typename Real, typename Body, typename Block, typename... Blocks>
UNROLL_INLINE void change_classes(std::int64_t classes, Real* to, Body body, Block& block, Blocks&... others) {
  by_chunks<Real>(classes, [&](std::int64_t first, std::int64_t size) {
    block.hold(first, size);
    (others.hold(first, size), ...);
    for (std::int64_t place = 0; place < size; ++place) {
      block.set(place, body(first + place, block.of(place), others.of(place)...));
    }
    block.write(to, size);
  });
}

template <typename Real>
UNROLL_INLINE Vec<Real> largest_of(Turned<Real>& z, std::int64_t classes) {
  Vec<Real> top{};
  by_classes<Real>(
      classes, [&](std::int64_t c, Vec<Real> v) { top = c == 0 ? v : (v > top ? v : top); }, z);
  return top;
}

/// The second term of a loss over rows of logits, and its weight for one example.
template <typename Real>
struct SecondTerm {
  Real weight;
  bool has_deviation, has_squares;  // sd, hess; neither: none

  UNROLL_INLINE SecondTerm(LossSpec loss, std::int64_t classes)
      : weight(static_cast<Real>(loss.weight(classes))),
        has_deviation(weight != 0 && loss.kind == config::LossKind::sd),
        has_squares(weight != 0 && loss.kind == config::LossKind::hess) {}
};

/// Of rows of logits: the sums of exp(z - top), the means, and what the loss's second term needs: deviations with the
/// divisor C - 1, or sums of squared probabilities. The mean is taken from the top, so that equal logits deviate by
/// exactly 0.
template <typename Real>
struct LogitSums {
  Vec<Real> top, sum_of_exps{}, mean{}, deviation{}, squares{};

  UNROLL_INLINE LogitSums(Turned<Real>& z, std::int64_t classes, const SecondTerm<Real>& term)
      : top(largest_of(z, classes)) {
    by_classes<Real>(
        classes,
        [&](std::int64_t, Vec<Real> v) {
          sum_of_exps += exp_of_negative<Real>(v - top);
          mean += v - top;
        },
        z);
    mean = top + mean / static_cast<Real>(classes);
    if (term.has_deviation) {
      by_classes<Real>(
          classes, [&](std::int64_t, Vec<Real> v) { deviation += (v - mean) * (v - mean); }, z);
      deviation = square_roots<Real>(deviation / static_cast<Real>(classes - 1));
    }
    if (term.has_squares) {
      by_classes<Real>(
          classes, [&](std::int64_t, Vec<Real> v) { squares += probability(v) * probability(v); }, z);
    }
  }
  [[nodiscard]] UNROLL_INLINE Vec<Real> probability(Vec<Real> v) const {
    return exp_of_negative<Real>(v - top) / sum_of_exps;
  }
};

template <typename Real>
void logit_gradient(const std::int64_t* labels, std::int64_t rows, std::int64_t classes, LossSpec loss, Real* z) {
  using Scalar = typename Simd<Real>::Scalar;
  const Real scale = static_cast<Real>(1 / loss.denominator);
  const SecondTerm<Real> term(loss, classes);
  by_vectors<Real>(rows, [&](std::int64_t first, int count) {
    Turned<Real> block(z + first * classes, count, classes);
    const LogitSums<Real> of(block, classes, term);
    const Vec<Real> slope =
        of.deviation > 0 ? term.weight / (static_cast<Real>(classes - 1) * of.deviation) : Vec<Real>{};
    typename Simd<Real>::Int label{};
    for (int row = 0; row < count; ++row) {
      label[row] = static_cast<Scalar>(labels[first + row]);
    }
    change_classes(
        classes, z + first * classes,
        [&](std::int64_t c, Vec<Real> v) {
          const Vec<Real> hit = label == static_cast<Scalar>(c) ? broadcast(Real{1}) : Vec<Real>{};
          const Vec<Real> p = of.probability(v);
          const Vec<Real> gradient = (p - hit) * scale;
          return term.has_deviation ? gradient + (v - of.mean) * slope
                 : term.has_squares ? gradient - Real{2} * term.weight * p * (p - of.squares)
                                    : gradient;
        },
        block);
  });
}

template <typename Real>
void logit_curvature(const Real* z, std::int64_t rows, std::int64_t classes, LossSpec loss, Real* dz) {
  const Real scale = static_cast<Real>(1 / loss.denominator);
  const Real others = static_cast<Real>(classes - 1);
  const SecondTerm<Real> term(loss, classes);
  by_vectors<Real>(rows, [&](std::int64_t first, int count) {
    Turned<Real> logits(z + first * classes, count, classes), along(dz + first * classes, count, classes);
    const LogitSums<Real> of(logits, classes, term);
    Vec<Real> expected{}, mean{}, spread{}, moved{};
    by_classes<Real>(
        classes,
        [&](std::int64_t, Vec<Real> v, Vec<Real> d) {
          const Vec<Real> p = of.probability(v);
          expected += p * d;
          mean += d;
          spread += (v - of.mean) * d;
          moved += term.has_squares ? p * p * d : Vec<Real>{};
        },
        logits, along);
    mean /= static_cast<Real>(classes);
    moved = Real{2} * (moved - expected * of.squares);  // the derivative of the squares' sum
    const Vec<Real> inverse = of.deviation > 0 ? term.weight / (others * of.deviation) : Vec<Real>{};
    const Vec<Real> turned = of.deviation > 0 ? spread / (others * of.deviation * of.deviation) : Vec<Real>{};
    change_classes(
        classes, dz + first * classes,
        [&](std::int64_t, Vec<Real> d, Vec<Real> v) {
          const Vec<Real> p = of.probability(v);
          const Vec<Real> turning = p * (d - expected);  // the derivative of p
          const Vec<Real> result = turning * scale;
          return term.has_deviation ? result + ((d - mean) - (v - of.mean) * turned) * inverse
                 : term.has_squares
                     ? result - Real{2} * term.weight * (turning * (Real{2} * p - of.squares) - p * moved)
                     : result;
        },
        along, logits);
  });
}

void softmax(const double* logits, std::int64_t rows, std::int64_t classes, double* p, double* log_p) {
  by_vectors<double>(rows, [&](std::int64_t first, int count) {
    const std::int64_t begin = first * classes;
    Turned<double> block(logits + begin, count, classes);
    const Vec<double> top = largest_of(block, classes);
    Vec<double> sums{};
    change_classes(
        classes, p + begin,
        [&](std::int64_t, Vec<double> v) {
          const Vec<double> e = exp_of_negative<double>(v - top);
          sums += e;
          return e;
        },
        block);
    const Vec<double> shift = top + (sums == sums ? log_of_positive(sums) : sums);  // not a number stays one
    for (int row = 0; row < count; ++row) {
      by_vectors<double>(classes, [&](std::int64_t j, int n) {
        const std::int64_t at = begin + row * classes + j;
        put(p + at, take(p + at, n) / sums[row], n);
        put(log_p + at, take(logits + at, n) - shift[row], n);
      });
    }
  });
}

OutputSums output_sums(const RowsOfOutputs& reference, const RowsOfOutputs& other, std::int64_t rows,
                       std::int64_t classes) {
  OutputSums sums;
  Vec<double> kl{}, js{};
  by_vectors<double>(rows * classes, [&](std::int64_t at, int n) {
    const Vec<double> p = take(reference.p + at, n), q = take(other.p + at, n), zero{};
    const Vec<double> log_p = take(reference.log_p + at, n), log_q = take(other.log_p + at, n);
    const Vec<double> mean = (p + q) * 0.5;
    const Vec<double> log_mean = log_of_positive(mean > 0 ? mean : broadcast(1.0));
    kl += p > 0 ? p * (log_p - log_q) : zero;
    const Vec<double> both = (p > 0 ? p * (log_p - log_mean) : zero) + (q > 0 ? q * (log_q - log_mean) : zero);
    js += p == q ? zero : both;
  });
  for (std::int64_t row = 0; row < rows * classes; row += classes) {
    Vec<double> squares{};
    by_vectors<double>(classes, [&](std::int64_t at, int n) {
      const Vec<double> apart = take(reference.logits + row + at, n) - take(other.logits + row + at, n);
      squares += apart * apart;
    });
    sums.logits_l2 += square_root(sum<double>(squares));
  }
  sums.kl = sum<double>(kl);
  sums.js = sum<double>(js) * 0.5;
  return sums;
}

/// softmax and output_sums are there in double alone.
template <typename Real>
void add_outputs(Functions<Real>&) {}
template <>
void add_outputs<double>(Functions<double>& table) {
  table.softmax = softmax;
  table.output_sums = output_sums;
}

template <typename Real>
void update(const Update& update, std::int64_t count, const Real* gradient, Real* velocity, Real* weights) {
  const auto rate = static_cast<Real>(update.lr), decay = static_cast<Real>(update.weight_decay);
  const auto momentum = static_cast<Real>(update.momentum);
  by_vectors<Real>(count, [&](std::int64_t at, int n) {
    const Vec<Real> w = take(weights + at, n);
    Vec<Real> direction = gradient != nullptr ? take(gradient + at, n) : Vec<Real>{};
    if (decay != 0) {
      direction += decay * w;
    }
    if (velocity != nullptr) {
      direction = momentum * take(velocity + at, n) + direction;
      put(velocity + at, direction, n);
    }
    put(weights + at, w - rate * direction, n);
  });
}

}  // namespace

#define UNROLL_TEXT_OF(name) #name
#define UNROLL_TEXT(name) UNROLL_TEXT_OF(name)

template <typename Real>
const Functions<Real>& table() {
  static const Functions<Real> kTable = [] {
    Functions<Real> functions{UNROLL_TEXT(UNROLL_KERNEL_BUILD),
                              product_of<Real, false>,
                              product_of<Real, true>,
                              dots<Real>,
                              transpose<Real>,
                              column_sums<Real>,
                              activate<Real>,
                              multiply<Real>,
                              multiply_add<Real>,
                              logit_gradient<Real>,
                              logit_curvature<Real>,
                              nullptr,
                              nullptr,
                              update<Real>};
    add_outputs(functions);
    return functions;
  }();
  return kTable;
}

template const Functions<float>& table<float>();
template const Functions<double>& table<double>();

}  // namespace unroll::kernel::UNROLL_KERNEL_BUILD
