#pragma once
// What models say about the same rows: accuracy, loss, and how far their outputs are apart. Softmax, logarithms and
// sums in double, row after row (METHODS part 3).
#include <torch/types.h>

#include <cstdint>
#include <span>
#include <vector>

namespace unroll::metrics {

/// Softmax of logits [n, C], row-major.
struct Probabilities {
  std::int64_t num_rows = 0, num_classes = 0;
  bool is_finite = true;  // all logits are
  std::vector<double> logits, p, log_p;
};
[[nodiscard]] Probabilities probabilities(const torch::Tensor& logits);

/// Row after row: 1 where the largest logit (the first of equals) is the label's, else 0; cross-entropy in nats, NaN
/// for logits that are not finite.
struct RowScores {
  std::vector<double> right, loss;
};
/// labels int64 [n].
[[nodiscard]] RowScores row_scores(const Probabilities& outputs, const torch::Tensor& labels);

/// Means over rows; NaN for no rows.
struct Prediction {
  double accuracy;
  double loss;
};
[[nodiscard]] Prediction prediction(const Probabilities& outputs, const torch::Tensor& labels);
/// The same over some of the rows.
[[nodiscard]] Prediction prediction(const RowScores& scores, std::span<const std::int64_t> rows);

struct OutputDistance {
  double kl;         // mean_i sum_c p log(p / q), p of the reference, nats
  double js;         // mean_i of (KL(p || m) + KL(q || m)) / 2, m = (p + q) / 2, nats, at most ln 2
  double logits_l2;  // mean_i ||z_p - z_q||_2
};
/// reference (retrained) and other (unlearned) on the same rows; NaN for no rows.
[[nodiscard]] OutputDistance output_distance(const Probabilities& reference, const Probabilities& other);

}  // namespace unroll::metrics
