#include "unroll/dataset/files.hpp"

#include <cstring>

#include "support/catch.hpp"
#include "support/temp_folder.hpp"
#include "unroll/base/error.hpp"
#include "unroll/base/sha256.hpp"
#include "unroll/hdf5/arrays.hpp"

namespace unroll::dataset {
namespace {

// A file with one int64 dataset.
std::string write(const TempFolder& folder, const std::string& name, std::vector<std::int64_t> shape,
                  const std::vector<std::int64_t>& values) {
  hdf5::Array array{name, hdf5::ElementType::int64, std::move(shape), std::vector<std::byte>(values.size() * 8)};
  if (!values.empty()) {
    std::memcpy(array.bytes.data(), values.data(), array.bytes.size());
  }
  return folder.write("file.h5", hdf5::to_image(hdf5::ArrayFile{{array}, {}}));
}

TEST_CASE("an order is read batch by batch, short ones without their filling") {
  const TempFolder folder;
  const OrderTable table = read_order_file(write(folder, "order", {3, 2}, {4, 0, 1, 2, 3, -1}), 5);

  CHECK(table.batches == std::vector<std::vector<std::int64_t>>{{4, 0}, {1, 2}, {3}});
  CHECK(table.content_hash != read_order_file(write(folder, "order", {3, 2}, {0, 4, 1, 2, 3, -1}), 5).content_hash);
}

TEST_CASE("orders that cannot be followed are refused with their step") {
  const TempFolder folder;
  const auto read = [&](std::vector<std::int64_t> shape, const std::vector<std::int64_t>& values) {
    return read_order_file(write(folder, "order", std::move(shape), values), 5);
  };

  CHECK_THROWS_WITH(read({2, 2}, {0, 1, 2, 5}), Catch::Contains("step 1 holds row 5, must be in 0..4"));
  CHECK_THROWS_WITH(read({2, 2}, {0, 1, -1, 2}), Catch::Contains("step 1 must hold training rows, then -1"));
  CHECK_THROWS_WITH(read({2, 2}, {-1, -1, 1, 2}), Catch::Contains("step 0 must hold"));
  CHECK_THROWS_WITH(read({2, 2}, {-2, 1, 1, 2}), Catch::Contains("step 0 holds row -2"));
  CHECK_THROWS_WITH(read({4}, {0, 1, 2, 3}), Catch::Contains("must be [steps, batch]"));
  CHECK_THROWS_WITH(read({0, 2}, {}), Catch::Contains("must be [steps, batch]"));
  CHECK_THROWS_WITH(read_order_file(write(folder, "other", {1}, {0}), 5), Catch::Contains("no dataset 'order'"));
  CHECK_THROWS_AS(read_order_file(folder / "missing.h5", 5), UsageError);
}

TEST_CASE("rows come back ascending; repeated or impossible ones are refused") {
  const TempFolder folder;
  const auto read = [&](const std::vector<std::int64_t>& values) {
    return read_rows_file(write(folder, "rows", {static_cast<std::int64_t>(values.size())}, values), 10);
  };

  CHECK(read({9, 0, 4}) == std::vector<std::int64_t>{0, 4, 9});
  CHECK_THROWS_WITH(read({1, 4, 1}), Catch::Contains("row 1 more than once"));
  CHECK_THROWS_WITH(read({1, 10}), Catch::Contains("row 10, must be in 0..9"));
  CHECK_THROWS_WITH(read({-1, 1}), Catch::Contains("row -1"));
  CHECK_THROWS_WITH(read({}), Catch::Contains("n > 0"));
}

TEST_CASE("a file's hash is that of its bytes") {
  const TempFolder folder;
  const std::string text(3'000'000, 'a');

  CHECK(file_hash(folder.write("text", text)) == sha256(text));
  CHECK(file_hash(folder.write("empty", std::string())) == sha256(std::string_view()));
  CHECK_THROWS_AS(file_hash(folder / "missing"), UsageError);
  CHECK_THROWS_AS(file_hash(folder.str()), UsageError);
}

}  // namespace
}  // namespace unroll::dataset
