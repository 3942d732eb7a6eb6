// The user's own HDF5 file: x_train, y_train, x_test, y_test.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "arrays.hpp"
#include "unroll/base/error.hpp"
#include "unroll/base/text.hpp"

namespace unroll::dataset {
namespace {

constexpr std::int64_t kMaxClasses = 100'000;

[[noreturn]] void refuse(const std::string& path, const std::string& dataset, const std::string& why) {
  throw UsageError(path + ": dataset '" + dataset + "' " + why);
}

template <typename Value>
std::vector<Value> values_of(const hdf5::Array& array) {
  std::vector<Value> values(array.bytes.size() / sizeof(Value));
  if (!values.empty()) {
    std::memcpy(values.data(), array.bytes.data(), array.bytes.size());
  }
  return values;
}

template <typename Real>
std::vector<Real> finite_values(const std::string& path, const hdf5::Array& array) {
  std::vector<Real> values = values_of<Real>(array);
  const auto bad = std::find_if(values.begin(), values.end(), [](Real value) { return !std::isfinite(value); });
  if (bad != values.end()) {
    const std::size_t row_size = values.size() / static_cast<std::size_t>(array.shape[0]);
    const std::size_t row = static_cast<std::size_t>(bad - values.begin()) / row_size;
    refuse(path, array.name, "holds NaN or infinity in row " + std::to_string(row) + "; clean the inputs first");
  }
  return values;
}

Inputs inputs_of(const std::string& path, const hdf5::Array& array) {
  const std::vector<std::int64_t>& shape = array.shape;
  if ((shape.size() != 2 && shape.size() != 4) || std::find(shape.begin(), shape.end(), 0) != shape.end()) {
    refuse(path, array.name,
           "has shape [" + join(shape, ", ") +
               "], must be [rows, features] or [rows, channels, height, width], none of them 0");
  }
  switch (array.type) {
    case hdf5::ElementType::uint8:
      return values_of<std::uint8_t>(array);
    case hdf5::ElementType::float32:
      return finite_values<float>(path, array);
    case hdf5::ElementType::float64:
      return finite_values<double>(path, array);
    default:
      refuse(path, array.name, "must hold uint8, float32 or float64");
  }
}

std::vector<std::int32_t> labels_of(const std::string& path, const hdf5::Array& array, std::int64_t rows,
                                    std::int64_t num_classes) {
  const std::vector<std::int64_t> values = integers_of(path, array);
  if (array.shape.size() != 1 || array.shape[0] != rows) {
    refuse(path, array.name,
           "has shape [" + join(array.shape, ", ") + "], must be [" + std::to_string(rows) +
               "]: one label a row of the inputs");
  }
  const auto bad =
      std::find_if(values.begin(), values.end(), [&](std::int64_t label) { return label < 0 || label >= num_classes; });
  if (bad != values.end()) {
    refuse(path, array.name,
           "has label " + std::to_string(*bad) + " in row " + std::to_string(bad - values.begin()) +
               ", must be in 0.." + std::to_string(num_classes - 1));
  }
  return {values.begin(), values.end()};
}

}  // namespace

std::vector<std::int64_t> integers_of(const std::string& path, const hdf5::Array& array) {
  switch (array.type) {
    case hdf5::ElementType::int64:
      return values_of<std::int64_t>(array);
    case hdf5::ElementType::int32: {
      const std::vector<std::int32_t> values = values_of<std::int32_t>(array);
      return {values.begin(), values.end()};
    }
    case hdf5::ElementType::uint8: {
      const std::vector<std::uint8_t> values = values_of<std::uint8_t>(array);
      return {values.begin(), values.end()};
    }
    default:
      refuse(path, array.name, "must hold integers");
  }
}

Raw read_hdf5(const config::Settings::Data& data) {
  const std::string& path = data.path;
  if (path.empty()) {
    throw UsageError(
        "data.path is not set: data.dataset = hdf5 needs the HDF5 file with x_train, y_train, x_test, y_test");
  }
  return raw_of(path, hdf5::read_arrays(path, {"x_train", "y_train", "x_test", "y_test"}).arrays);
}

Raw raw_of(const std::string& path, const std::vector<hdf5::Array>& arrays) {
  const hdf5::Array &x_train = arrays[0], &y_train = arrays[1], &x_test = arrays[2], &y_test = arrays[3];
  Raw raw;
  raw.train.inputs = inputs_of(path, x_train);
  raw.test.inputs = inputs_of(path, x_test);
  raw.shape.assign(x_train.shape.begin() + 1, x_train.shape.end());
  if (x_train.type != x_test.type ||
      !std::equal(x_train.shape.begin() + 1, x_train.shape.end(), x_test.shape.begin() + 1, x_test.shape.end())) {
    refuse(path, "x_test", "must have the type and the row shape of x_train");
  }
  raw.train.labels = labels_of(path, y_train, x_train.shape[0], kMaxClasses);
  raw.num_classes = *std::max_element(raw.train.labels.begin(), raw.train.labels.end()) + 1;
  if (raw.num_classes < 2) {
    refuse(path, "y_train", "holds one class only, must hold at least 2");
  }
  raw.test.labels = labels_of(path, y_test, x_test.shape[0], raw.num_classes);
  raw.scale = x_train.type == hdf5::ElementType::uint8 ? 1.0 / 255 : 1.0;
  return raw;
}

}  // namespace unroll::dataset
