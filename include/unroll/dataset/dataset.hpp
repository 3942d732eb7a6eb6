#pragma once
// A data set as plain memory: bytes or reals by row, labels, and the constants that normalise an input.
// Description is all that the plan may see; the inputs go to the trainer. Nothing here is fitted on data: what is
// (term_weights.hpp) is fitted on rows that the plan names.
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "unroll/config/settings.hpp"

namespace unroll::dataset {

struct Description {
  std::string name;  // "optdigits", "mnist", ...
  std::int64_t num_train = 0;
  std::int64_t num_test = 0;
  std::int64_t num_classes = 0;
  std::vector<std::int64_t> shape;  // of one input: {64} or {channels, height, width}
  std::vector<std::int32_t> train_labels;
  std::vector<std::int32_t> test_labels;
  std::string content_hash;  // SHA-256 over shape, inputs and labels of the rows used
};

/// Inputs of one part, row-major [rows, prod(shape)].
using Inputs = std::variant<std::vector<std::uint8_t>, std::vector<float>, std::vector<double>>;

/// Data sets up to this size in the model's dtype are kept normalised beside what they came as.
inline constexpr std::int64_t kKeptBytes = std::int64_t{256} << 20;

struct DataSet {
  Description description;
  Inputs train_inputs;
  Inputs test_inputs;
  /// An input element becomes (scale * x - mean[channel]) / std_dev[channel]; one entry for all, or one a channel.
  double scale = 1;
  std::vector<double> mean = {0};
  std::vector<double> std_dev = {1};
  /// Inputs are bytes that count words, and no constants but TermWeights (term_weights.hpp) make features of them.
  bool holds_counts = false;
};

/// Reads and checks the data set that the cell names. UsageError says what is wrong with which file and what to do.
[[nodiscard]] DataSet load(const config::Settings::Data& data);
/// The same without keeping the inputs (they are still read once, to hash them).
[[nodiscard]] Description describe(const config::Settings::Data& data);

}  // namespace unroll::dataset
