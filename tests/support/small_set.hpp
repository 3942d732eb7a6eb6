#pragma once
// A small data set in memory, as bytes or reals, with labels.
#include <memory>

#include "unroll/base/random.hpp"
#include "unroll/data/resident.hpp"

namespace unroll::test {

inline std::shared_ptr<dataset::DataSet> small_set(std::int64_t num_train, std::vector<std::int64_t> shape,
                                                   std::int64_t num_classes, std::int64_t num_test = 20) {
  auto set = std::make_shared<dataset::DataSet>();
  auto& description = set->description;
  description.name = "small";
  description.num_train = num_train;
  description.num_test = num_test;
  description.num_classes = num_classes;
  description.shape = shape;
  std::int64_t size = 1;
  for (const auto extent : shape) {
    size *= extent;
  }
  const RandomStream stream(3, "small set");
  const auto fill = [&](std::int64_t rows, std::uint64_t part, std::vector<float>& inputs,
                        std::vector<std::int32_t>& labels) {
    for (std::int64_t row = 0; row < rows; ++row) {
      const auto label = static_cast<std::int32_t>(stream.bits(part, static_cast<std::uint64_t>(row)) %
                                                   static_cast<std::uint64_t>(num_classes));
      labels.push_back(label);
      for (std::int64_t i = 0; i < size; ++i) {
        inputs.push_back(static_cast<float>(stream.normal(part + 2, static_cast<std::uint64_t>(row * size + i)) +
                                            (i % num_classes == label ? 1 : 0)));
      }
    }
  };
  std::vector<float> train, test;
  fill(num_train, 0, train, description.train_labels);
  fill(num_test, 1, test, description.test_labels);
  set->train_inputs = std::move(train);
  set->test_inputs = std::move(test);
  description.content_hash = "small";
  return set;
}

}  // namespace unroll::test
