#pragma once
// The unlearning error of the checkpoint rule (METHODS 1.3 E3, A12): with c the last multiple of
// unlearn.checkpoint_every, t = T - max(c, 1) steps since (or since the step that F is thought to be) and s the mean of
// sigma over the multiples of measure.sigma_every in (c, T],
//   UE_T = UE_c + eta^2 t/2 ||w_T - w_c|| s;   as published: without the 1/2, and with sqrt(lambda) for |lambda|.
// (The published reference is M one step before c, and starts anew in every epoch.)
#include <cstdint>

#include "execute/curvature_track.hpp"
#include "unroll/base/archive.hpp"

namespace unroll::execute {

struct CheckpointedErrors {
  double theory = 0, published = 0;
};

class CheckpointedError {
 public:
  explicit CheckpointedError(std::int64_t every) : every_(every) {}
  /// For every step from 0 on, after the track has measured there.
  void at_clock(std::int64_t step, const torch::Tensor& weights, double lr, const CurvatureTrack& track);
  /// At clock `step`; NaN where the track has nothing since the last checkpoint.
  [[nodiscard]] CheckpointedErrors at(std::int64_t step, const torch::Tensor& weights, double lr,
                                      const CurvatureTrack& track) const;
  void transfer(Archive& archive);

 private:
  std::int64_t every_;
  std::int64_t checkpoint_ = 0;
  torch::Tensor weights_;  // M's at the checkpoint
  CheckpointedErrors base_;
};

}  // namespace unroll::execute
