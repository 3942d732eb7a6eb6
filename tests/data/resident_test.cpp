#include "unroll/data/resident.hpp"

#include "support/catch.hpp"

namespace unroll::data {
namespace {

/// 7 training and 3 test images of 2 channels of 2 x 3, in bytes or in reals.
std::shared_ptr<const dataset::DataSet> images(bool in_bytes) {
  auto set = std::make_shared<dataset::DataSet>();
  set->description.shape = {2, 2, 3};
  set->description.num_train = 7;
  set->description.num_test = 3;
  set->description.train_labels = {0, 1, 2, 0, 1, 2, 0};
  set->description.test_labels = {2, 1, 0};
  set->scale = 1 / 255.0;
  set->mean = {0.4, 0.5};
  set->std_dev = {0.2, 0.3};
  std::vector<std::uint8_t> train, test;
  for (int i = 0; i < 7 * 12; ++i) {
    train.push_back(static_cast<std::uint8_t>(i * 37 % 256));
  }
  test.assign(train.begin() + 5, train.begin() + 5 + 3 * 12);
  if (in_bytes) {
    set->train_inputs = train;
    set->test_inputs = test;
  } else {
    set->train_inputs = std::vector<float>(train.begin(), train.end());
    set->test_inputs = std::vector<float>(test.begin(), test.end());
  }
  return set;
}

template <typename Real>
void check_rows(const ResidentData& data, const dataset::DataSet& set) {
  const std::vector<std::int64_t> rows{6, 0, 3, 3};
  std::vector<const Real*> located;
  std::vector<Real> gathered;
  for (const Part part : {Part::train, Part::test}) {
    const std::vector<std::int64_t> wanted = part == Part::train ? rows : std::vector<std::int64_t>{2, 1};
    data.locate(part, wanted, located, gathered);
    const auto inputs = data.inputs(part, wanted);
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      for (std::int64_t at = 0; at < 12; ++at) {
        const auto from = static_cast<std::size_t>(wanted[i] * 12 + at + (part == Part::test ? 5 : 0));
        const double byte = static_cast<double>(from * 37 % 256);
        const auto channel = static_cast<std::size_t>(at / 6);
        const auto expected = static_cast<Real>((set.scale * byte - set.mean[channel]) / set.std_dev[channel]);
        CHECK(located[i][at] == expected);
        CHECK(inputs.data_ptr<Real>()[static_cast<std::int64_t>(i) * 12 + at] == expected);
      }
    }
  }
}

TEST_CASE("A row is normalised by its channel's constants, kept normalised or as it came") {
  for (const bool in_bytes : {true, false}) {
    const auto set = images(in_bytes);
    for (const std::int64_t kept_bytes : {std::int64_t{0}, dataset::kKeptBytes}) {
      check_rows<float>(ResidentData(set, config::Dtype::float32, kept_bytes), *set);
      check_rows<double>(ResidentData(set, config::Dtype::float64, kept_bytes), *set);
    }
  }
}

TEST_CASE("A kept row is read in place, others are gathered") {
  const auto set = images(true);
  const std::vector<std::int64_t> rows{1, 2};
  std::vector<const float*> located;
  std::vector<float> gathered;

  ResidentData(set, config::Dtype::float32).locate<float>(Part::train, rows, located, gathered);
  CHECK(gathered.empty());
  ResidentData(set, config::Dtype::float32, 10 * 12 * 4 - 1).locate<float>(Part::train, rows, located, gathered);
  CHECK(gathered.size() == 24);
}

TEST_CASE("Labels are those of the rows") {
  const auto set = images(true);
  const std::vector<std::int64_t> rows{2, 0, 5};
  const auto labels = ResidentData(set, config::Dtype::float32).labels(Part::train, rows);
  CHECK(labels.data_ptr<std::int64_t>()[0] == 2);
  CHECK(labels.data_ptr<std::int64_t>()[1] == 0);
  CHECK(labels.data_ptr<std::int64_t>()[2] == 2);
}

}  // namespace
}  // namespace unroll::data
