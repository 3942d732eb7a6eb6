#pragma once
// What two models say about the same rows: accuracy, loss, and how far their outputs are apart. Softmax, logarithms
// and sums in double, row after row (METHODS part 3).
#include <torch/types.h>

namespace unroll::metrics {

struct Prediction {
  double accuracy;  // share of rows whose largest logit (the first of equals) is the label's
  double loss;      // mean cross-entropy, nats
};
/// logits [n, C], labels int64 [n]; NaN for no rows.
[[nodiscard]] Prediction prediction(const torch::Tensor& logits, const torch::Tensor& labels);

struct OutputDistance {
  double kl;         // mean_i sum_c p log(p / q), p = softmax of the reference, nats
  double js;         // mean_i of (KL(p || m) + KL(q || m)) / 2, m = (p + q) / 2, nats, at most ln 2
  double logits_l2;  // mean_i ||z_p - z_q||_2
};
/// reference (retrained) and other (unlearned): logits [n, C]; NaN for no rows.
[[nodiscard]] OutputDistance output_distance(const torch::Tensor& reference, const torch::Tensor& other);

}  // namespace unroll::metrics
