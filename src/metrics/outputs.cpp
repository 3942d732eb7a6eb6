#include "unroll/metrics/outputs.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace unroll::metrics {
namespace {

/// log softmax of a row.
void log_softmax(const double* z, std::int64_t classes, std::vector<double>& out) {
  const double top = *std::max_element(z, z + classes);
  double sum = 0;
  for (std::int64_t c = 0; c < classes; ++c) {
    sum += std::exp(z[c] - top);
  }
  const double shift = top + std::log(sum);
  for (std::int64_t c = 0; c < classes; ++c) {
    out[static_cast<std::size_t>(c)] = z[c] - shift;
  }
}

/// p (log p - log q), 0 where p is 0.
double divergence_term(double log_p, double log_q) {
  const double p = std::exp(log_p);
  return p > 0 ? p * (log_p - log_q) : 0;
}

}  // namespace

Prediction prediction(const torch::Tensor& logits, const torch::Tensor& labels) {
  const auto z = logits.to(torch::kFloat64).contiguous();
  const auto n = z.size(0), classes = z.size(1);
  const auto* label = labels.data_ptr<std::int64_t>();
  std::vector<double> log_p(static_cast<std::size_t>(classes));
  double num_right = 0, loss = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    const auto* row = z.data_ptr<double>() + i * classes;
    num_right += std::max_element(row, row + classes) - row == label[i] ? 1 : 0;
    log_softmax(row, classes, log_p);
    loss -= log_p[static_cast<std::size_t>(label[i])];
  }
  return {num_right / static_cast<double>(n), loss / static_cast<double>(n)};
}

OutputDistance output_distance(const torch::Tensor& reference, const torch::Tensor& other) {
  const auto a = reference.to(torch::kFloat64).contiguous();
  const auto b = other.to(torch::kFloat64).contiguous();
  const auto n = a.size(0), classes = a.size(1);
  std::vector<double> log_p(static_cast<std::size_t>(classes)), log_q(log_p), log_m(log_p);
  OutputDistance sum{0, 0, 0};
  for (std::int64_t i = 0; i < n; ++i) {
    const auto* z_p = a.data_ptr<double>() + i * classes;
    const auto* z_q = b.data_ptr<double>() + i * classes;
    log_softmax(z_p, classes, log_p);
    log_softmax(z_q, classes, log_q);
    double square = 0;
    for (std::size_t c = 0; c < static_cast<std::size_t>(classes); ++c) {
      const double high = std::max(log_p[c], log_q[c]), low = std::min(log_p[c], log_q[c]);
      const double log_mean = high + std::log1p(std::exp(low - high)) - std::log(2.0);
      sum.kl += divergence_term(log_p[c], log_q[c]);
      sum.js += 0.5 * (divergence_term(log_p[c], log_mean) + divergence_term(log_q[c], log_mean));
      square += (z_p[c] - z_q[c]) * (z_p[c] - z_q[c]);
    }
    sum.logits_l2 += std::sqrt(square);
  }
  const auto count = static_cast<double>(n);
  return {sum.kl / count, sum.js / count, sum.logits_l2 / count};
}

}  // namespace unroll::metrics
