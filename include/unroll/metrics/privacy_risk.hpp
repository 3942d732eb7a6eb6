#pragma once
// Privacy risk score (Song and Mittal, "Systematic Evaluation of Privacy Risks of Machine Learning Models",
// arXiv 2003.10595): how likely an example was a member of the training set, given a target model's modified entropy on
// it and histograms of a shadow model's modified entropies on its own members and on non-members, class by class.
// The authors of "Unrolling SGD" compute it otherwise; each departure is a choice here (METHODS A7, A9).
#include <cstdint>
#include <span>
#include <vector>

#include "unroll/config/settings.hpp"
#include "unroll/metrics/outputs.hpp"

namespace unroll::metrics {

/// -(1 - p_y) log p_y - sum_{c != y} p_c log(1 - p_c), every logarithm's argument at least 1e-30, in nats; by row.
/// scores: of the softmax, or (as published) p are the raw logits. NaN for rows that are not finite. labels int64 [n].
[[nodiscard]] std::vector<double> modified_entropy(const Probabilities& outputs, const torch::Tensor& labels,
                                                   config::PrsScores scores);

/// One model's modified entropies and the classes that they belong to.
struct ScoredRows {
  std::vector<double> entropy;
  std::vector<std::int64_t> label;
};

/// Histograms of a shadow model, by class.
///   shared  members and non-members over the same 5 bins, log-spaced between the smallest and the largest value of
///           both (values floored at 1e-10); a value beyond them belongs to the last one; where both histograms are
///           empty, the nearest bin that is not (the lower one first). Song and Mittal.
///   own     10 bins of equal width for each set, between that set's own ends; where both are empty, NaN. As published.
class RiskTable {
 public:
  RiskTable(const ScoredRows& members, const ScoredRows& others, std::int64_t num_classes, config::PrsBins bins);
  /// Share of members, weighted as if both sets were of one size: p_in / (p_in + p_out) in [0, 1]; NaN for a NaN, for a
  /// class that the shadow model has no example of, and for empty bins of their own.
  [[nodiscard]] double risk(double entropy, std::int64_t label) const;
  [[nodiscard]] std::vector<double> risks(const ScoredRows& rows) const;

 private:
  struct Histogram {
    std::vector<double> edges;  // ascending, one more than bins; empty: no values
    std::vector<double> share;
    [[nodiscard]] std::size_t bin_of(double value) const;
  };
  [[nodiscard]] static Histogram histogram(std::span<const double> values, std::vector<double> edges);
  struct OfClass {
    Histogram members, others;
  };
  config::PrsBins bins_;
  std::vector<OfClass> classes_;
};

/// How many of the risks fall into [0, 0.1), ..., [0.9, 1]; NaN is not counted.
inline constexpr int kNumRiskBins = 10;
[[nodiscard]] std::vector<std::int64_t> risk_counts(std::span<const double> risks);

}  // namespace unroll::metrics
