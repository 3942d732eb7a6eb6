#include "unroll/metrics/privacy_risk.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "unroll/base/error.hpp"

namespace unroll::metrics {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kSmallestArgument = 1e-30;
constexpr double kSmallestEntropy = 1e-10;  // on a logarithmic axis
constexpr int kNumSharedBins = 5;
constexpr int kNumOwnBins = 10;

double clamped_log(double x) { return std::log(std::max(x, kSmallestArgument)); }

std::vector<double> finite_values(const ScoredRows& rows, std::int64_t label) {
  std::vector<double> values;
  for (std::size_t i = 0; i < rows.entropy.size(); ++i) {
    if (rows.label[i] == label && std::isfinite(rows.entropy[i])) {
      values.push_back(rows.entropy[i]);
    }
  }
  return values;
}

/// num_bins + 1 edges; both ends exactly.
std::vector<double> edges_between(double low, double high, int num_bins) {
  std::vector<double> edges{low};
  for (int i = 1; i < num_bins; ++i) {
    edges.push_back(low + (high - low) * i / num_bins);
  }
  edges.push_back(high);
  return edges;
}

std::vector<double> own_edges(const std::vector<double>& values) {
  if (values.empty()) {
    return {};
  }
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  return edges_between(*low, *high, kNumOwnBins);
}

std::vector<double> shared_edges(const std::vector<double>& members, const std::vector<double>& others) {
  std::vector<double> all = members;
  all.insert(all.end(), others.begin(), others.end());
  if (all.empty()) {
    return {};
  }
  const auto [low, high] = std::minmax_element(all.begin(), all.end());
  auto edges = edges_between(std::log10(*low), std::log10(*high), kNumSharedBins);
  std::transform(edges.begin(), edges.end(), edges.begin(), [](double power) { return std::pow(10, power); });
  edges.front() = *low;
  edges.back() = *high;
  return edges;
}

void floor_values(std::vector<double>& values) {
  for (double& value : values) {
    value = std::max(value, kSmallestEntropy);
  }
}

}  // namespace

std::vector<double> modified_entropy(const Probabilities& outputs, const torch::Tensor& labels,
                                     config::PrsScores scores) {
  const auto host_labels = labels.cpu();
  const auto* label = host_labels.data_ptr<std::int64_t>();
  const auto& values = scores == config::PrsScores::softmax ? outputs.p : outputs.logits;
  std::vector<double> entropy;
  entropy.reserve(static_cast<std::size_t>(outputs.num_rows));
  for (std::int64_t i = 0; i < outputs.num_rows; ++i) {
    const double* p = values.data() + i * outputs.num_classes;
    double sum = 0;
    bool is_finite = true;
    for (std::int64_t c = 0; c < outputs.num_classes; ++c) {
      is_finite = is_finite && std::isfinite(p[c]);
      sum -= c == label[i] ? (1 - p[c]) * clamped_log(p[c]) : p[c] * clamped_log(1 - p[c]);
    }
    entropy.push_back(is_finite ? sum : kNaN);
  }
  return entropy;
}

std::size_t RiskTable::Histogram::bin_of(double value) const {
  const auto above = std::upper_bound(edges.begin(), edges.end(), value) - edges.begin();
  return static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(above - 1, 0, std::ssize(share) - 1));
}

RiskTable::Histogram RiskTable::histogram(std::span<const double> values, std::vector<double> edges) {
  Histogram histogram;
  histogram.edges = std::move(edges);
  if (histogram.edges.empty()) {
    return histogram;
  }
  histogram.share.assign(histogram.edges.size() - 1, 0);
  for (const double value : values) {
    histogram.share[histogram.bin_of(value)] += 1;
  }
  for (double& share : histogram.share) {
    share /= std::max<double>(static_cast<double>(values.size()), 1);
  }
  return histogram;
}

RiskTable::RiskTable(const ScoredRows& members, const ScoredRows& others, std::int64_t num_classes,
                     config::PrsBins bins)
    : bins_(bins) {
  for (std::int64_t label = 0; label < num_classes; ++label) {
    auto in = finite_values(members, label), out = finite_values(others, label);
    if (bins == config::PrsBins::own) {
      classes_.push_back({histogram(in, own_edges(in)), histogram(out, own_edges(out))});
      continue;
    }
    floor_values(in);
    floor_values(out);
    const auto edges = shared_edges(in, out);
    classes_.push_back({histogram(in, edges), histogram(out, edges)});
  }
}

double RiskTable::risk(double entropy, std::int64_t label) const {
  const auto& [members, others] = classes_.at(static_cast<std::size_t>(label));
  if (std::isnan(entropy)) {
    return kNaN;
  }
  const auto share = [](double in, double out) { return in / (in + out); };
  if (bins_ == config::PrsBins::own) {
    const double in = members.edges.empty() ? 0 : members.share[members.bin_of(entropy)];
    const double out = others.edges.empty() ? 0 : others.share[others.bin_of(entropy)];
    return share(in, out);  // 0 / 0: NaN
  }
  if (members.edges.empty()) {
    return kNaN;
  }
  const auto bin = static_cast<std::ptrdiff_t>(members.bin_of(entropy));
  const std::ptrdiff_t num_bins = std::ssize(members.share);
  for (std::ptrdiff_t distance = 0; distance < num_bins; ++distance) {
    for (const std::ptrdiff_t near : {bin - distance, bin + distance}) {
      if (near < 0 || near >= num_bins) {
        continue;
      }
      const auto at = static_cast<std::size_t>(near);
      if (members.share[at] + others.share[at] > 0) {
        return share(members.share[at], others.share[at]);
      }
    }
  }
  return kNaN;
}

std::vector<double> RiskTable::risks(const ScoredRows& rows) const {
  std::vector<double> risks;
  risks.reserve(rows.entropy.size());
  for (std::size_t i = 0; i < rows.entropy.size(); ++i) {
    risks.push_back(risk(rows.entropy[i], rows.label[i]));
  }
  return risks;
}

std::vector<std::int64_t> risk_counts(std::span<const double> risks) {
  std::vector<std::int64_t> counts(kNumRiskBins, 0);
  for (const double risk : risks) {
    if (!std::isnan(risk)) {
      ++counts[std::min<std::size_t>(static_cast<std::size_t>(risk * kNumRiskBins), kNumRiskBins - 1)];
    }
  }
  return counts;
}

}  // namespace unroll::metrics
