#pragma once
// The training loss (METHODS 1.2): mean cross-entropy + gamma S over a batch's logits z [b, C], p = softmax(z), with
//   sd     S = mean_i std_c(z_i) with the unbiased C - 1 divisor ("Unrolling SGD"), as published divided by C once more
//   hess   S = mean_i (1 - sum_c p_ic^2), the trace of cross-entropy's Hessian in the logits
// and L2 as its part where train.l2_in = loss. At rows of equal logits std is 0 and its gradient is taken as 0, so both
// are always defined.
#include <torch/types.h>

#include <cstdint>

#include "unroll/config/settings.hpp"
#include "unroll/kernel/mlp.hpp"

namespace unroll::model {

using kernel::LossSpec;

/// The loss of M and M' along M's clock.
struct TrainingLoss {
  config::Settings::Loss form;
  std::int64_t steps_per_epoch = 1;
  /// Weight of ||w||^2 / 2 as a part of the loss: in gradients that are added back and in the Hessian. SGD's own step
  /// has it from Settings::Train::weight_decay either way.
  double l2 = 0;

  /// The gamma of step s: gamma / decay^floor((s - 1) / (every epochs' steps)), as it is divided after the first step
  /// of every such epoch but the 0th.
  [[nodiscard]] double gamma_at(std::int64_t step) const;
  [[nodiscard]] LossSpec at(std::int64_t step, double denominator) const;
};
[[nodiscard]] TrainingLoss training_loss(const config::Settings& settings, std::int64_t steps_per_epoch);

/// The loss over logits [b, C], labels int64 [b]: a differentiable (twice) scalar.
[[nodiscard]] torch::Tensor loss(const torch::Tensor& logits, const torch::Tensor& labels, const LossSpec& spec);

}  // namespace unroll::model
