#pragma once
// All pairs' distances on one block of parameters.
//
// The reference of products (error_bounds.hpp) is row 0, and 0 where that is not finite: each row's own values decide
// alone whether its distances are finite.
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "gather/error_bounds.hpp"
#include "gather/products.hpp"
#include "unroll/base/block_sum.hpp"
#include "unroll/gather/gather.hpp"

namespace unroll::gather {

inline constexpr double kProductBound = product_bound(kChunk / kSumWays + kBlockSize / kChunk + kSumWays);
inline constexpr double kDirectBound = direct_bound(kBlockSize / kWays + kWays);

class BlockPairs {
 public:
  explicit BlockPairs(const Request& request);

  /// Adds the block's distances to `all` (if they are asked for) and `direct`. rows: one pointer a model, to `size`
  /// values. Real is the request's element.
  template <typename Real>
  void add(std::span<const Real* const> rows, std::int64_t size, PairSums& all, PairSums& direct);

  struct Spent {
    std::int64_t num_directly = 0;
    double products_s = 0, direct_s = 0;
  };
  [[nodiscard]] const Spent& spent() const { return spent_; }
  [[nodiscard]] static std::int64_t memory_bytes(const Request& request);

 private:
  struct Free {
    void operator()(double* memory) const;
  };
  using Doubles = std::unique_ptr<double[], Free>;
  static Doubles doubles(std::int64_t count);

  template <typename Real>
  void multiply(std::span<const Real* const> rows, std::int64_t size);
  template <typename Real>
  void add_all(std::span<const Real* const> rows, std::int64_t size, PairSums& all);
  [[nodiscard]] double product(std::int64_t i, std::int64_t j) const;

  std::int64_t num_models_;
  std::int64_t num_tiles_;
  bool all_pairs_;
  std::vector<Pair> direct_;
  double tolerance_;
  AddProducts add_products_;
  Doubles reference_;
  Doubles centred_;  // kChunk columns of every row, as products.hpp wants them
  Doubles sums_;
  Spent spent_;
};

/// ||a - b||^2 with the bits that metrics gives a tensor of so many elements; up to kBlockSize.
[[nodiscard]] double block_distance(std::int64_t size, const float* a, const float* b);
[[nodiscard]] double block_distance(std::int64_t size, const double* a, const double* b);

}  // namespace unroll::gather
