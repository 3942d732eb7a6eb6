#pragma once
// One SGD step of several lanes as a few operations on all of their weights: what a GPU runs in the place of the loop
// in kernel/mlp.hpp. As there: d = g + weight_decay w; v = momentum v + d; w -= lr v, without the terms whose factor is
// 0. What a lane becomes depends on its own numbers alone: lanes that leave out the same terms are taken together.
#include <torch/types.h>

#include <cstdint>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "unroll/kernel/mlp.hpp"

namespace unroll::learn {

class SgdOnTensors {
 public:
  /// weights, velocities (undefined: no lane has momentum) and gradients [n, P]; rules: one a lane. first: the number
  /// of the first lane in its pack, under which its rules stay on the device until they change.
  void step(std::int64_t first, std::span<const kernel::Update> rules, const torch::Tensor& weights,
            const torch::Tensor& velocities, const torch::Tensor& gradients);

 private:
  struct Columns {
    std::vector<double> values;                // lr, momentum and weight decay of each lane
    torch::Tensor lr, momentum, weight_decay;  // [n, 1]
  };
  [[nodiscard]] const Columns& columns(std::int64_t first, std::span<const kernel::Update> rules,
                                       const torch::Tensor& weights);
  std::map<std::pair<std::int64_t, std::size_t>, Columns> columns_;
};

}  // namespace unroll::learn
