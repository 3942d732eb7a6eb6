#include "unroll/metrics/outputs.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "unroll/kernel/outputs.hpp"

namespace unroll::metrics {

Probabilities probabilities(const torch::Tensor& logits) {
  const auto z = logits.to(torch::kCPU, torch::kFloat64).contiguous();
  Probabilities out;
  out.num_rows = z.size(0);
  out.num_classes = z.size(1);
  out.logits.assign(z.data_ptr<double>(), z.data_ptr<double>() + z.numel());
  out.p.resize(out.logits.size());
  out.log_p.resize(out.logits.size());
  out.is_finite = std::all_of(out.logits.begin(), out.logits.end(), [](double value) { return std::isfinite(value); });
  kernel::softmax(out.logits.data(), out.num_rows, out.num_classes, out.p.data(), out.log_p.data());
  return out;
}

RowScores row_scores(const Probabilities& outputs, const torch::Tensor& labels) {
  const auto host_labels = labels.cpu();
  const auto* label = host_labels.data_ptr<std::int64_t>();
  RowScores scores;
  scores.right.reserve(static_cast<std::size_t>(outputs.num_rows));
  scores.loss.reserve(static_cast<std::size_t>(outputs.num_rows));
  for (std::int64_t i = 0; i < outputs.num_rows; ++i) {
    const double* row = outputs.logits.data() + i * outputs.num_classes;
    const double* end = row + outputs.num_classes;
    const bool is_finite =
        outputs.is_finite || std::all_of(row, end, [](double value) { return std::isfinite(value); });
    scores.right.push_back(std::max_element(row, end) - row == label[i] ? 1 : 0);
    scores.loss.push_back(is_finite ? -outputs.log_p[static_cast<std::size_t>(i * outputs.num_classes + label[i])]
                                    : std::numeric_limits<double>::quiet_NaN());
  }
  return scores;
}

Prediction prediction(const RowScores& scores, std::span<const std::int64_t> rows) {
  double num_right = 0, loss = 0;
  for (const auto row : rows) {
    num_right += scores.right[static_cast<std::size_t>(row)];
    loss += scores.loss[static_cast<std::size_t>(row)];
  }
  const auto count = static_cast<double>(rows.size());
  return {num_right / count, loss / count};
}

Prediction prediction(const Probabilities& outputs, const torch::Tensor& labels) {
  std::vector<std::int64_t> all(static_cast<std::size_t>(outputs.num_rows));
  std::iota(all.begin(), all.end(), 0);
  return prediction(row_scores(outputs, labels), all);
}

OutputDistance output_distance(const Probabilities& reference, const Probabilities& other) {
  const auto rows_of = [](const Probabilities& of) {
    return kernel::RowsOfOutputs{of.logits.data(), of.p.data(), of.log_p.data()};
  };
  const auto sum = kernel::output_sums(rows_of(reference), rows_of(other), reference.num_rows, reference.num_classes);
  const auto count = static_cast<double>(reference.num_rows);
  return {sum.kl / count, sum.js / count, sum.logits_l2 / count};
}

}  // namespace unroll::metrics
