#include "model/channels_last.hpp"

#include "support/catch.hpp"
#include "support/tensors.hpp"

namespace unroll::model {
namespace {

TEST_CASE("Filters and images cross to channels last and back without losing a bit") {
  const std::vector<std::vector<std::int64_t>> shapes{{5, 3, 32, 32}, {7, 6, 3, 3}, {4, 5, 1, 1}, {1, 1, 3, 3}};
  for (const auto& shape : shapes) {
    const auto values = test::normal(shape, 1, torch::kFloat32);

    const auto moved = with_channels_last(values);
    auto back = torch::zeros(shape, torch::kFloat32);
    copy_to_contiguous(moved, back);

    CHECK(moved.is_contiguous(at::MemoryFormat::ChannelsLast));
    CHECK(torch::equal(moved, values));
    CHECK(test::same_bits(back, values));
  }
}

TEST_CASE("What is no float32 image batch stays where it is") {
  const auto wide = test::normal({2, 3, 4, 4}, 2, torch::kFloat64);
  const auto matrix = test::normal({3, 4}, 3, torch::kFloat32);

  CHECK(with_channels_last(wide).is_same(wide));
  CHECK(with_channels_last(matrix).is_same(matrix));
}

}  // namespace
}  // namespace unroll::model
