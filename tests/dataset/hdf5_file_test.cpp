#include <cmath>
#include <cstring>
#include <functional>

#include "support/catch.hpp"
#include "support/temp_folder.hpp"
#include "unroll/base/error.hpp"
#include "unroll/dataset/dataset.hpp"
#include "unroll/hdf5/arrays.hpp"

namespace unroll::dataset {
namespace {

template <typename Value>
hdf5::Array make(const std::string& name, hdf5::ElementType type, std::vector<std::int64_t> shape,
                 const std::vector<Value>& values) {
  hdf5::Array array{name, type, std::move(shape), std::vector<std::byte>(values.size() * sizeof(Value))};
  if (!values.empty()) {
    std::memcpy(array.bytes.data(), values.data(), array.bytes.size());
  }
  return array;
}

// 3 training and 2 test rows of 2 float features, classes 0..2.
hdf5::ArrayFile example() {
  using enum hdf5::ElementType;
  return {{make<float>("x_train", float32, {3, 2}, {0, 1, 2, 3, 4, 5}),
           make<std::int64_t>("y_train", int64, {3}, {0, 2, 1}), make<float>("x_test", float32, {2, 2}, {6, 7, 8, 9}),
           make<std::uint8_t>("y_test", uint8, {2}, {1, 2})},
          {}};
}

config::Settings::Data settings(const std::string& path) {
  config::Settings::Data data;
  data.dataset = config::Dataset::hdf5;
  data.path = path;
  return data;
}

std::string refusal(const std::function<void(hdf5::ArrayFile&)>& spoil) {
  const TempFolder folder;
  hdf5::ArrayFile file = example();
  spoil(file);
  const std::string path = folder.write("data.h5", hdf5::to_image(file));
  try {
    (void)load(settings(path));
  } catch (const UsageError& error) {
    const std::string message = error.what();
    CHECK(message.find(path) == 0);
    CHECK(message.find('\n') == std::string::npos);
    return message;
  }
  return "accepted";
}

TEST_CASE("feature vectors of reals are read as they are") {
  const TempFolder folder;
  const DataSet set = load(settings(folder.write("data.h5", hdf5::to_image(example()))));

  CHECK(set.description.name == "hdf5");
  CHECK(set.description.shape == std::vector<std::int64_t>{2});
  CHECK(set.description.num_classes == 3);
  CHECK(set.description.train_labels == std::vector<std::int32_t>{0, 2, 1});
  CHECK(set.description.test_labels == std::vector<std::int32_t>{1, 2});
  CHECK(std::get<std::vector<float>>(set.train_inputs) == std::vector<float>{0, 1, 2, 3, 4, 5});
  CHECK(set.scale == 1);
}

TEST_CASE("images of bytes keep their channels and are scaled by 1/255") {
  using enum hdf5::ElementType;
  const TempFolder folder;
  hdf5::ArrayFile file = example();
  file.arrays[0] = make<std::uint8_t>("x_train", uint8, {3, 2, 1, 1}, {0, 1, 2, 3, 4, 255});
  file.arrays[2] = make<std::uint8_t>("x_test", uint8, {2, 2, 1, 1}, {6, 7, 8, 9});

  const DataSet set = load(settings(folder.write("data.h5", hdf5::to_image(file))));

  CHECK(set.description.shape == std::vector<std::int64_t>{2, 1, 1});
  CHECK(set.scale == 1.0 / 255);
  CHECK(std::get<std::vector<std::uint8_t>>(set.train_inputs).back() == 255);
}

TEST_CASE("the content hash follows inputs, labels and type") {
  const TempFolder folder;
  const auto hash_of = [&](const std::function<void(hdf5::ArrayFile&)>& change) {
    hdf5::ArrayFile file = example();
    change(file);
    return describe(settings(folder.write("data.h5", hdf5::to_image(file)))).content_hash;
  };
  const std::string unchanged = hash_of([](hdf5::ArrayFile&) {});

  CHECK(unchanged == hash_of([](hdf5::ArrayFile& file) { file.attributes["note"] = "x"; }));
  CHECK(unchanged != hash_of([](hdf5::ArrayFile& file) { file.arrays[0].bytes[0] = std::byte{1}; }));
  CHECK(unchanged != hash_of([](hdf5::ArrayFile& file) { file.arrays[1].bytes[0] = std::byte{1}; }));
  CHECK(unchanged != hash_of([](hdf5::ArrayFile& file) { file.arrays[3].bytes[0] = std::byte{0}; }));
}

TEST_CASE("files that do not fit are refused by dataset") {
  using enum hdf5::ElementType;
  using File = hdf5::ArrayFile;
  const float nan = std::nanf("");

  CHECK_THAT(refusal([](File& file) { file.arrays.erase(file.arrays.begin() + 1); }), Catch::Contains("'y_train'"));
  CHECK_THAT(refusal([&](File& file) {
               file.arrays[0] = make<float>("x_train", float32, {3, 2}, {0, 1, 2, 3, nan, 5});
             }),
             Catch::Contains("'x_train' holds NaN or infinity in row 2"));
  CHECK_THAT(refusal([&](File& file) {
               file.arrays[2] = make<float>("x_test", float32, {2, 2}, {INFINITY, 1, 2, 3});
             }),
             Catch::Contains("'x_test' holds NaN or infinity in row 0"));
  CHECK_THAT(refusal([](File& file) {
               file.arrays[0] = make<float>("x_train", float32, {6}, {0, 1, 2, 3, 4, 5});
             }),
             Catch::Contains("has shape [6]"));
  CHECK_THAT(refusal([](File& file) {
               file.arrays[0] = make<float>("x_train", float32, {0, 2}, {});
             }),
             Catch::Contains("none of them 0"));
  CHECK_THAT(refusal([](File& file) {
               file.arrays[0] = make<std::int64_t>("x_train", int64, {1, 2}, {0, 1});
             }),
             Catch::Contains("must hold uint8, float32 or float64"));
  CHECK_THAT(refusal([](File& file) {
               file.arrays[2] = make<double>("x_test", float64, {2, 2}, {0, 1, 2, 3});
             }),
             Catch::Contains("'x_test' must have the type"));
  CHECK_THAT(refusal([](File& file) {
               file.arrays[2] = make<float>("x_test", float32, {1, 4}, {0, 1, 2, 3});
             }),
             Catch::Contains("'x_test' must have the type"));
  CHECK_THAT(refusal([](File& file) {
               file.arrays[1] = make<std::int64_t>("y_train", int64, {2}, {0, 1});
             }),
             Catch::Contains("must be [3]"));
  CHECK_THAT(refusal([](File& file) {
               file.arrays[1] = make<std::int64_t>("y_train", int64, {3, 1}, {0, 1, 2});
             }),
             Catch::Contains("must be [3]"));
  CHECK_THAT(refusal([](File& file) {
               file.arrays[1] = make<float>("y_train", float32, {3}, {0, 1, 2});
             }),
             Catch::Contains("must hold integers"));
  CHECK_THAT(refusal([](File& file) {
               file.arrays[1] = make<std::int64_t>("y_train", int64, {3}, {0, -1, 2});
             }),
             Catch::Contains("label -1 in row 1"));
  CHECK_THAT(refusal([](File& file) {
               file.arrays[1] = make<std::int64_t>("y_train", int64, {3}, {0, 1 << 30, 2});
             }),
             Catch::Contains("must be in 0..99999"));
  CHECK_THAT(refusal([](File& file) {
               file.arrays[1] = make<std::int64_t>("y_train", int64, {3}, {0, 0, 0});
             }),
             Catch::Contains("one class only"));
  CHECK_THAT(refusal([](File& file) {
               file.arrays[3] = make<std::uint8_t>("y_test", uint8, {2}, {1, 3});
             }),
             Catch::Contains("'y_test' has label 3 in row 1, must be in 0..2"));
}

}  // namespace
}  // namespace unroll::dataset
