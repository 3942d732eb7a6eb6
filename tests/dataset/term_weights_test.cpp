#include "unroll/dataset/term_weights.hpp"

#include <cmath>

#include "support/catch.hpp"

namespace unroll::dataset {
namespace {

// 4 training rows of 9 columns.
DataSet counts() {
  DataSet set;
  set.description.shape = {9};
  set.description.num_train = 4;
  set.holds_counts = true;
  set.train_inputs = std::vector<std::uint8_t>{1, 0, 0, 0, 0, 0,   0, 0, 2,  //
                                               1, 3, 0, 0, 0, 0,   0, 0, 0,  //
                                               0, 0, 0, 0, 0, 0,   0, 0, 0,  //
                                               1, 0, 0, 0, 0, 255, 0, 0, 1};
  return set;
}

std::span<const std::uint8_t> row_of(const DataSet& set, std::size_t row) {
  return std::span(std::get<std::vector<std::uint8_t>>(set.train_inputs)).subspan(row * 9, 9);
}

TEST_CASE("idf is that of the rows it is given and of no other") {
  const DataSet set = counts();
  const std::vector<std::int64_t> first_two = {0, 1};

  const auto weights = inverse_document_frequencies(set, first_two).of_column();

  REQUIRE(weights.size() == 9);
  CHECK(weights[0] == Approx(1));                      // in both
  CHECK(weights[1] == Approx(std::log(3.0 / 2) + 1));  // in one
  CHECK(weights[5] == Approx(std::log(3.0) + 1));      // in row 3 alone, which is not asked
  CHECK(weights[8] == Approx(std::log(3.0 / 2) + 1));
}

TEST_CASE("a row of features is (1 + ln count) times the weight, of length 1") {
  const DataSet set = counts();
  const TermWeights weights({2, 1, 1, 1, 1, 1, 1, 1, 3});
  std::vector<float> features(9, -1);

  weights.apply(row_of(set, 0), features.data());

  const double first = 2, last = 3 * (1 + std::log(2.0)), length = std::hypot(first, last);
  CHECK(features ==
        std::vector<float>{static_cast<float>(first / length), 0, 0, 0, 0, 0, 0, 0, static_cast<float>(last / length)});
}

TEST_CASE("a row without words stays 0 and equal weights leave a count's logarithm") {
  const DataSet set = counts();
  std::vector<double> features(9, -1);

  equal_weights(set).apply(row_of(set, 2), features.data());
  CHECK(features == std::vector<double>(9, 0));
  equal_weights(set).apply(row_of(set, 3), features.data());
  CHECK(features[5] / features[0] == Approx(1 + std::log(255.0)));
  CHECK(features[0] == features[8]);
}

}  // namespace
}  // namespace unroll::dataset
