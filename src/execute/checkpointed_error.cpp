#include "execute/checkpointed_error.hpp"

#include <algorithm>
#include <cmath>

#include "unroll/metrics/distances.hpp"
#include "unroll/model/archive.hpp"

namespace unroll::execute {

void CheckpointedError::at_clock(std::int64_t step, const torch::Tensor& weights, double lr,
                                 const CurvatureTrack& track) {
  if (step % every_ != 0) {
    return;
  }
  base_ = at(step, weights, lr, track);
  checkpoint_ = step;
  weights_ = weights.clone();
}

CheckpointedErrors CheckpointedError::at(std::int64_t step, const torch::Tensor& weights, double lr,
                                         const CurvatureTrack& track) const {
  const auto steps = step - std::max<std::int64_t>(checkpoint_, 1);
  if (steps <= 0) {
    return base_;
  }
  const double moved = std::sqrt(metrics::squared_distance(weights, weights_.to(weights.device())));
  const double factor = lr * lr * static_cast<double>(steps) * moved;
  const auto curvature = track.mean_after(checkpoint_, step);
  return {base_.theory + factor / 2 * curvature.sigma, base_.published + factor * curvature.sigma_sqrt};
}

void CheckpointedError::transfer(Archive& archive) { archive(checkpoint_, weights_, base_.theory, base_.published); }

}  // namespace unroll::execute
