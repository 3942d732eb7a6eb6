#pragma once
// From counts of words to features: a count n > 0 in column c becomes (1 + ln n) * weight[c], and the row is then
// scaled to length 1 (a row without words stays 0). In double, in the order of the columns, then rounded once: what a
// row becomes depends on its counts and the weights alone.
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "unroll/dataset/dataset.hpp"

namespace unroll::dataset {

class TermWeights {
 public:
  /// One weight a column, each finite and >= 0.
  explicit TermWeights(std::vector<double> of_column);

  [[nodiscard]] const std::vector<double>& of_column() const { return of_column_; }
  /// counts and out: one element a column.
  template <typename Real>
  void apply(std::span<const std::uint8_t> counts, Real* out) const;

 private:
  std::vector<double> of_column_;
  std::array<double, 256> of_count_;
};

/// bow: all columns weigh 1.
[[nodiscard]] TermWeights equal_weights(const DataSet& counts);

/// tfidf: the smoothed inverse document frequency of each column over these training rows alone,
/// ln((1 + n) / (1 + df)) + 1, where df of the n rows hold the column (Salton and Buckley 1988; smoothing as in
/// scikit-learn). Requires counts.holds_counts.
[[nodiscard]] TermWeights inverse_document_frequencies(const DataSet& counts, std::span<const std::int64_t> rows);

}  // namespace unroll::dataset
