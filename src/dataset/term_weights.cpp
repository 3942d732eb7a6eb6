#include "unroll/dataset/term_weights.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <utility>

namespace unroll::dataset {
namespace {

using Bytes = std::vector<std::uint8_t>;

/// Calls visit(column, count) for each count that is not 0, in the order of the columns. Most are 0: eight at a time.
template <typename Visit>
void for_each_count(std::span<const std::uint8_t> counts, Visit visit) {
  std::size_t column = 0;
  for (; column + 8 <= counts.size(); column += 8) {
    std::uint64_t eight = 0;
    std::memcpy(&eight, counts.data() + column, sizeof eight);
    if (eight == 0) {
      continue;
    }
    for (std::size_t i = column; i < column + 8; ++i) {
      if (counts[i] != 0) {
        visit(i, counts[i]);
      }
    }
  }
  for (; column < counts.size(); ++column) {
    if (counts[column] != 0) {
      visit(column, counts[column]);
    }
  }
}

std::size_t num_columns(const DataSet& set) { return static_cast<std::size_t>(set.description.shape.front()); }

}  // namespace

TermWeights::TermWeights(std::vector<double> of_column) : of_column_(std::move(of_column)), of_count_() {
  for (std::size_t count = 1; count < of_count_.size(); ++count) {
    of_count_[count] = 1 + std::log(static_cast<double>(count));
  }
}

template <typename Real>
void TermWeights::apply(std::span<const std::uint8_t> counts, Real* out) const {
  double squares = 0;
  for_each_count(counts, [&](std::size_t column, std::uint8_t count) {
    const double value = of_count_[count] * of_column_[column];
    squares += value * value;
  });
  const double length = squares > 0 ? std::sqrt(squares) : 1;
  std::fill_n(out, counts.size(), Real{0});
  for_each_count(counts, [&](std::size_t column, std::uint8_t count) {
    out[column] = static_cast<Real>(of_count_[count] * of_column_[column] / length);
  });
}

template void TermWeights::apply<float>(std::span<const std::uint8_t>, float*) const;
template void TermWeights::apply<double>(std::span<const std::uint8_t>, double*) const;

TermWeights equal_weights(const DataSet& counts) { return TermWeights(std::vector<double>(num_columns(counts), 1.0)); }

TermWeights inverse_document_frequencies(const DataSet& counts, std::span<const std::int64_t> rows) {
  const auto columns = num_columns(counts);
  const auto& inputs = std::get<Bytes>(counts.train_inputs);
  std::vector<std::int64_t> document_frequency(columns, 0);
  for (const std::int64_t row : rows) {
    for_each_count(std::span(inputs).subspan(static_cast<std::size_t>(row) * columns, columns),
                   [&](std::size_t column, std::uint8_t) { ++document_frequency[column]; });
  }
  std::vector<double> weights(columns);
  for (std::size_t column = 0; column < columns; ++column) {
    weights[column] =
        std::log((1 + static_cast<double>(rows.size())) / (1 + static_cast<double>(document_frequency[column]))) + 1;
  }
  return TermWeights(std::move(weights));
}

}  // namespace unroll::dataset
