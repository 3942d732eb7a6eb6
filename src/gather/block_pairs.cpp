#include "gather/block_pairs.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <new>

namespace unroll::gather {
namespace {

using Clock = std::chrono::steady_clock;

double since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// Calls ways(i, n) for the elements i to i + n, n up to kWays.
template <typename Do>
UNROLL_INLINE_LOOP void by_ways(std::int64_t count, Do ways) {
  std::int64_t i = 0;
  for (; i + kWays <= count; i += kWays) {
    ways(i, kWays);
  }
  if (i < count) {
    ways(i, count - i);
  }
}

/// The reference in double: 0 where it is not finite, and behind its end.
template <typename Real>
UNROLL_INLINE_LOOP void widen_reference(std::int64_t count, const Real* row, double* to) {
  by_ways(
      count, [=](std::int64_t i, std::int64_t n) __attribute__((always_inline)) {
        Ways value;
        load_ways(row + i, n, value);
        value = value - value == Ways{} ? value : Ways{};
        std::memcpy(to + i, &value, sizeof value);
      });
}

/// to = row - reference, zeros up to a multiple of the ways.
template <typename Real>
UNROLL_INLINE_LOOP void centre_row(std::int64_t count, const Real* row, const double* reference, double* to) {
  by_ways(
      count, [=](std::int64_t i, std::int64_t n) __attribute__((always_inline)) {
        Ways value, from;
        load_ways(row + i, n, value);
        std::memcpy(&from, reference + i, sizeof from);
        value -= from;
        std::memcpy(to + i, &value, sizeof value);
      });
}

/// Chunks of all rows, kStride apart; the reference is the first row, and is kept in `reference`.
template <typename Real>
UNROLL_INLINE_LOOP void centre_rows(std::span<const Real* const> rows, std::int64_t begin, std::int64_t count,
                                    double* reference, double* to) {
  widen_reference(count, rows[0] + begin, reference);
  for (const Real* row : rows) {
    centre_row(count, row + begin, reference, to);
    to += kStride;
  }
}

UNROLL_WIDE void centre(std::span<const float* const> rows, std::int64_t begin, std::int64_t count, double* reference,
                        double* to) {
  centre_rows(rows, begin, count, reference, to);
}
UNROLL_WIDE void centre(std::span<const double* const> rows, std::int64_t begin, std::int64_t count, double* reference,
                        double* to) {
  centre_rows(rows, begin, count, reference, to);
}

constexpr std::size_t kLine = 64;

std::int64_t num_tiles_of(const Request& request) {
  return request.all_pairs ? (request.num_models + kTile - 1) / kTile : 0;
}

}  // namespace

UNROLL_WIDE double block_distance(std::int64_t size, const float* a, const float* b) {
  return square_apart(size, a, b);
}
UNROLL_WIDE double block_distance(std::int64_t size, const double* a, const double* b) {
  return square_apart(size, a, b);
}

void BlockPairs::Free::operator()(double* memory) const { std::free(memory); }

BlockPairs::Doubles BlockPairs::doubles(std::int64_t count) {
  const std::size_t bytes = (static_cast<std::size_t>(count) * sizeof(double) + kLine - 1) / kLine * kLine;
  auto* memory = static_cast<double*>(std::aligned_alloc(kLine, std::max(bytes, kLine)));
  if (memory == nullptr) {
    throw std::bad_alloc();
  }
  std::fill_n(memory, count, 0.0);
  return Doubles(memory);
}

BlockPairs::BlockPairs(const Request& request)
    : num_models_(request.num_models),
      num_tiles_(num_tiles_of(request)),
      all_pairs_(request.all_pairs),
      direct_(request.direct),
      tolerance_(request.tolerance),
      add_products_(add_products()),
      reference_(doubles(kChunk)),
      centred_(doubles(num_tiles_ * kTile * kStride)),
      sums_(doubles(num_sums(num_tiles_))) {}

std::int64_t BlockPairs::memory_bytes(const Request& request) {
  const std::int64_t num_tiles = num_tiles_of(request);
  return static_cast<std::int64_t>(sizeof(double)) * (kChunk + num_tiles * kTile * kStride + num_sums(num_tiles)) +
         static_cast<std::int64_t>(sizeof(Pair) * request.direct.size() + 3 * kLine);
}

template <typename Real>
void BlockPairs::multiply(std::span<const Real* const> rows, std::int64_t size) {
  std::fill_n(sums_.get(), num_sums(num_tiles_), 0.0);
  for (std::int64_t begin = 0; begin < size; begin += kChunk) {
    const std::int64_t length = std::min(kChunk, size - begin);
    centre(rows, begin, length, reference_.get(), centred_.get());
    add_products_(num_tiles_, centred_.get(), (length + kSumWays - 1) / kSumWays * kSumWays, sums_.get());
  }
}

double BlockPairs::product(std::int64_t i, std::int64_t j) const {
  const double* ways = sums_.get() + sums_of_pair(num_tiles_, i, j);
  double sum = 0;
  for (std::int64_t way = 0; way < kSumWays; ++way) {
    sum += ways[way];
  }
  return sum;
}

template <typename Real>
void BlockPairs::add_all(std::span<const Real* const> rows, std::int64_t size, PairSums& all) {
  const auto start = Clock::now();
  multiply(rows, size);
  const double lost = kSmallest * static_cast<double>(size);
  std::vector<double> square(rows.size());
  for (std::int64_t i = 0; i < num_models_; ++i) {
    square[static_cast<std::size_t>(i)] = product(i, i);
  }
  double direct_s = 0;
  std::size_t pair = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (std::size_t j = i + 1; j < rows.size(); ++j, ++pair) {
      const double both = square[i] + square[j];
      double squared = both - 2 * product(static_cast<std::int64_t>(i), static_cast<std::int64_t>(j));
      double bound = kProductBound * both + lost;
      if (!(bound <= tolerance_ * squared)) {
        const auto begin = Clock::now();
        squared = block_distance(size, rows[i], rows[j]);
        bound = kDirectBound * squared + (sizeof(Real) == sizeof(double) ? lost : 0.0);
        ++spent_.num_directly;
        direct_s += since(begin);
      }
      all.squared[pair] += squared;
      all.bound[pair] += bound;
    }
  }
  spent_.direct_s += direct_s;
  spent_.products_s += since(start) - direct_s;
}

template <typename Real>
void BlockPairs::add(std::span<const Real* const> rows, std::int64_t size, PairSums& all, PairSums& direct) {
  if (all_pairs_ && num_models_ > 1) {
    add_all(rows, size, all);
  }
  const auto start = Clock::now();
  for (std::size_t pair = 0; pair < direct_.size(); ++pair) {
    const double squared = block_distance(size, rows[static_cast<std::size_t>(direct_[pair].first)],
                                          rows[static_cast<std::size_t>(direct_[pair].second)]);
    direct.squared[pair] += squared;
    direct.bound[pair] +=
        kDirectBound * squared + (sizeof(Real) == sizeof(double) ? kSmallest * static_cast<double>(size) : 0.0);
  }
  spent_.direct_s += since(start);
}

template void BlockPairs::add(std::span<const float* const>, std::int64_t, PairSums&, PairSums&);
template void BlockPairs::add(std::span<const double* const>, std::int64_t, PairSums&, PairSums&);

}  // namespace unroll::gather
