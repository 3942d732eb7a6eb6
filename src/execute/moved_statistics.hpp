#pragma once
// BatchNorm's statistics as the authors' code leaves them (METHODS A4): after each step that touches F it takes F's
// gradient at M in training mode, and that forward pass moves M's running statistics once more. They enter no training
// step, so M itself need not know: what is kept is how far the moved statistics are from M's own, which shrinks by
// BatchNorm's factor at every step.
#include <torch/types.h>

#include <vector>

#include "unroll/base/archive.hpp"
#include "unroll/data/resident.hpp"
#include "unroll/model/network.hpp"

namespace unroll::execute {

class MovedStatistics {
 public:
  /// After every step of M, with its state then; rows: the forgotten ones of the step, or none.
  void after_step(const model::Network& network, const data::ResidentData& data, const model::State& original,
                  const std::vector<std::int64_t>& rows);
  /// M with the moved statistics.
  [[nodiscard]] model::State of(const model::State& original) const;
  void transfer(Archive& archive);

 private:
  torch::Tensor apart_;  // double [S]; undefined until F is touched
};

}  // namespace unroll::execute
