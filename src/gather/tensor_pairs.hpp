#pragma once
// All pairs' distances on one block of parameters by LibTorch, in double, on the device where the block lies. Shapes
// depend on the request and the block alone, so that the same device gives the same bits whichever rank it belongs to;
// they are not those of BlockPairs.
#include <torch/types.h>

#include "gather/totals.hpp"

namespace unroll::gather {

class TensorPairs {
 public:
  explicit TensorPairs(const Request& request);
  /// rows: [models, size], of the request's element.
  void add(const torch::Tensor& rows, Sums& sums);
  [[nodiscard]] std::int64_t num_directly() const { return num_directly_; }
  /// On the device, beside the rows.
  [[nodiscard]] static std::int64_t memory_bytes(const Request& request);

 private:
  void add_all(const torch::Tensor& values, PairSums& all);
  void add_direct(const torch::Tensor& values, PairSums& direct);

  const Request& request_;
  std::int64_t num_directly_ = 0;
};

}  // namespace unroll::gather
