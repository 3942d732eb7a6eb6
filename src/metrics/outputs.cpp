#include "unroll/metrics/outputs.hpp"

#include <algorithm>
#include <cmath>

namespace unroll::metrics {

Probabilities probabilities(const torch::Tensor& logits) {
  const auto z = logits.to(torch::kFloat64).contiguous();
  Probabilities out;
  out.num_rows = z.size(0);
  out.num_classes = z.size(1);
  out.logits.assign(z.data_ptr<double>(), z.data_ptr<double>() + z.numel());
  out.p.resize(out.logits.size());
  out.log_p.resize(out.logits.size());
  out.is_finite = std::all_of(out.logits.begin(), out.logits.end(), [](double value) { return std::isfinite(value); });
  const auto classes = static_cast<std::size_t>(out.num_classes);
  for (std::size_t row = 0; row < out.logits.size(); row += classes) {
    const double* from = out.logits.data() + row;
    const double top = *std::max_element(from, from + classes);
    double sum = 0;
    for (std::size_t c = 0; c < classes; ++c) {
      out.p[row + c] = std::exp(from[c] - top);
      sum += out.p[row + c];
    }
    const double shift = top + std::log(sum);
    for (std::size_t c = 0; c < classes; ++c) {
      out.p[row + c] /= sum;
      out.log_p[row + c] = from[c] - shift;
    }
  }
  return out;
}

Prediction prediction(const Probabilities& outputs, const torch::Tensor& labels) {
  const auto* label = labels.data_ptr<std::int64_t>();
  double num_right = 0, loss = 0;
  for (std::int64_t i = 0; i < outputs.num_rows; ++i) {
    const double* row = outputs.logits.data() + i * outputs.num_classes;
    num_right += std::max_element(row, row + outputs.num_classes) - row == label[i] ? 1 : 0;
    loss -= outputs.log_p[static_cast<std::size_t>(i * outputs.num_classes + label[i])];
  }
  const auto count = static_cast<double>(outputs.num_rows);
  return {num_right / count, loss / count};
}

OutputDistance output_distance(const Probabilities& reference, const Probabilities& other) {
  const auto classes = static_cast<std::size_t>(reference.num_classes);
  OutputDistance sum{0, 0, 0};
  for (std::size_t row = 0; row < reference.p.size(); row += classes) {
    double square = 0;
    for (std::size_t i = row; i < row + classes; ++i) {
      const double p = reference.p[i], q = other.p[i];
      const double mean = 0.5 * (p + q);
      const double log_mean = mean > 0 ? std::log(mean) : 0;  // both are 0: no term
      const double of_p = p > 0 ? p * (reference.log_p[i] - log_mean) : 0;
      const double of_q = q > 0 ? q * (other.log_p[i] - log_mean) : 0;
      const double apart = reference.logits[i] - other.logits[i];
      sum.kl += p > 0 ? p * (reference.log_p[i] - other.log_p[i]) : 0;
      sum.js += 0.5 * (of_p + of_q);
      square += apart * apart;
    }
    sum.logits_l2 += std::sqrt(square);
  }
  const auto count = static_cast<double>(reference.num_rows);
  return {sum.kl / count, sum.js / count, sum.logits_l2 / count};
}

}  // namespace unroll::metrics
