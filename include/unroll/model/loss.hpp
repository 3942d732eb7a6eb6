#pragma once
// The training loss over a batch's logits: cross-entropy, and the SD loss of "Unrolling SGD" (METHODS 1.2): cross
// entropy + gamma * S, S = sum_i std_c(z_i) / (B C) with the unbiased C - 1 divisor, as published. At rows of equal
// logits std is 0 and its gradient is taken as 0, so both are always defined.
#include <torch/types.h>

#include <cstdint>

#include "unroll/config/settings.hpp"

namespace unroll::model {

struct LossSpec {
  double gamma = 0;        // weight of S; 0 is plain cross-entropy
  double denominator = 0;  // divides the sum over examples (B: those left, or the whole batch)
};

/// Loss settings as a weight: gamma for sd, 0 for ce.
[[nodiscard]] double gamma_of(const config::Settings::Loss& loss);

/// Differentiable (twice) scalar; logits [b, C], labels int64 [b].
[[nodiscard]] torch::Tensor loss(const torch::Tensor& logits, const torch::Tensor& labels, const LossSpec& spec);

/// The loss's gradient in the logits, in closed form: logits [b, C] rows at z, labels [b]; dz may be z. `exps` holds
/// exp(z - max z) of each row. Real is float or double.
template <typename Real>
void loss_gradient(const Real* z, const Real* exps, const std::int64_t* labels, std::int64_t num_rows,
                   std::int64_t num_classes, const LossSpec& spec, Real* dz);

}  // namespace unroll::model
