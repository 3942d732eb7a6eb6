#pragma once
// The training loss over a batch's logits: cross-entropy, and the SD loss of "Unrolling SGD" (METHODS 1.2): cross
// entropy + gamma * S, S = sum_i std_c(z_i) / (B C) with the unbiased C - 1 divisor, as published. At rows of equal
// logits std is 0 and its gradient is taken as 0, so both are always defined.
#include <torch/types.h>

#include <cstdint>

#include "unroll/config/settings.hpp"
#include "unroll/kernel/mlp.hpp"

namespace unroll::model {

using kernel::LossSpec;

/// Loss settings as a weight: gamma for sd, 0 for ce.
[[nodiscard]] double gamma_of(const config::Settings::Loss& loss);

/// Differentiable (twice) scalar; logits [b, C], labels int64 [b].
[[nodiscard]] torch::Tensor loss(const torch::Tensor& logits, const torch::Tensor& labels, const LossSpec& spec);

}  // namespace unroll::model
