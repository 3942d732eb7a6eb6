#pragma once
// Distances between the weights of M, M' and M'' = M + correction, in double over fixed blocks (base/block_sum.hpp).
// Tensors of a GPU come to host memory first: what is added up there has the same bits everywhere.
// The verification error is formed as ||(w - w') + c||, never from a rounded M'' (DESIGN 4.5).
#include <torch/types.h>

#include <vector>

#include "unroll/model/layout.hpp"

namespace unroll::metrics {

/// Sums of squares; square roots are the norms.
struct SquaredDistances {
  double verification = 0;   // ||w + c - w'||^2
  double no_unlearning = 0;  // ||w - w'||^2
  double correction = 0;     // ||c||^2
  double retrained = 0;      // ||w'||^2
  double from_start = 0;     // ||w - w_0||^2
  double cross = 0;          // <c, w' - w>

  SquaredDistances& operator+=(const SquaredDistances& other);
};

struct PairDistances {
  SquaredDistances total;                // over trainable parameters
  std::vector<SquaredDistances> layers;  // one a parameter tensor, in layout order
};

/// All vectors [P]; correction double, the others of one dtype.
[[nodiscard]] PairDistances pair_distances(const model::Layout& layout, const torch::Tensor& original,
                                           const torch::Tensor& retrained, const torch::Tensor& correction,
                                           const torch::Tensor& start);

/// ||a - b||^2 in double over fixed blocks; 0 for empty vectors.
[[nodiscard]] double squared_distance(const torch::Tensor& a, const torch::Tensor& b);

/// ||a||^2 likewise.
[[nodiscard]] double squared_norm(const torch::Tensor& a);

}  // namespace unroll::metrics
