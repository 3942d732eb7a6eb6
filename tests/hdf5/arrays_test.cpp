#include "unroll/hdf5/arrays.hpp"

#include <malloc.h>

#include <chrono>
#include <cstring>
#include <thread>

#include "support/catch.hpp"
#include "unroll/base/error.hpp"

namespace unroll::hdf5 {
namespace {

template <typename Value>
Array make_array(const std::string& name, ElementType type, std::vector<std::int64_t> shape,
                 const std::vector<Value>& values) {
  Array array{name, type, std::move(shape), std::vector<std::byte>(values.size() * sizeof(Value))};
  if (!values.empty()) {
    std::memcpy(array.bytes.data(), values.data(), array.bytes.size());
  }
  return array;
}

ArrayFile example() {
  ArrayFile file;
  file.arrays.push_back(make_array<float>("layer1.0.conv1.weight", ElementType::float32, {2, 3}, {1, 2, 3, 4, 5, 6}));
  file.arrays.push_back(make_array<double>("fc.bias", ElementType::float64, {2}, {0.5, -0.25}));
  file.arrays.push_back(make_array<std::int64_t>("bn1.num_batches_tracked", ElementType::int64, {}, {7}));
  file.arrays.push_back(make_array<std::int32_t>("labels", ElementType::int32, {3}, {-1, 0, 1}));
  file.arrays.push_back(make_array<std::uint8_t>("bytes", ElementType::uint8, {2, 1, 2}, {0, 255, 3, 4}));
  file.arrays.push_back(make_array<float>("empty", ElementType::float32, {0, 4}, {}));
  file.attributes = {{"dtype", "float32"}, {"empty", ""}, {"name", "größe"}};
  return file;
}

TEST_CASE("arrays come back from an image as they were, in their order") {
  const ArrayFile written = example();

  const ArrayFile read = from_image(to_image(written), "example");

  CHECK(read.attributes == written.attributes);
  REQUIRE(read.arrays.size() == written.arrays.size());
  for (std::size_t i = 0; i < written.arrays.size(); ++i) {
    CHECK(read.arrays[i].name == written.arrays[i].name);
    CHECK(read.arrays[i].type == written.arrays[i].type);
    CHECK(read.arrays[i].shape == written.arrays[i].shape);
    CHECK(read.arrays[i].bytes == written.arrays[i].bytes);
  }
}

TEST_CASE("equal arrays give equal bytes a second later and whatever fresh memory holds") {
  mallopt(M_PERTURB, 0x55);
  const std::vector<std::byte> first = to_image(example());
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));
  mallopt(M_PERTURB, 0xAA);
  const std::vector<std::byte> second = to_image(example());
  mallopt(M_PERTURB, 0);

  CHECK(first == second);
}

TEST_CASE("one changed bit changes the image") {
  ArrayFile changed = example();
  changed.arrays[0].bytes[0] ^= std::byte{1};

  CHECK(to_image(changed) != to_image(example()));
}

TEST_CASE("arrays whose bytes do not fit their shape and unfit names are refused") {
  ArrayFile short_bytes = example();
  short_bytes.arrays[0].bytes.pop_back();
  ArrayFile twice = example();
  twice.arrays.push_back(twice.arrays[0]);

  CHECK_THROWS_AS(to_image(short_bytes), Error);
  CHECK_THROWS_AS(to_image(twice), Error);
  for (const char* name : {"", ".", "..", "a/b", "a b", "new\nline", "gr\xc3\xb6"}) {
    ArrayFile bad = example();
    bad.arrays[0].name = name;
    CAPTURE(name);
    CHECK_THROWS_AS(to_image(bad), Error);
  }
}

TEST_CASE("bytes that are no HDF5 file, and files cut short, are a UsageError of one line") {
  const std::vector<std::byte> whole = to_image(example());

  for (const std::size_t size : {std::size_t{0}, std::size_t{7}, std::size_t{100}, whole.size() / 2}) {
    CAPTURE(size);
    const std::vector<std::byte> part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    try {
      (void)from_image(part, "part.h5");
      FAIL("accepted");
    } catch (const UsageError& error) {
      const std::string message = error.what();
      CHECK(message.find("part.h5") == 0);
      CHECK(message.find('\n') == std::string::npos);
    }
  }
  CHECK_THROWS_AS(read_arrays("/no/such/file.h5"), UsageError);
  CHECK_THROWS_AS(read_arrays("/"), UsageError);
}

TEST_CASE("a wanted array that is not there is named") {
  CHECK_THROWS_WITH(read_arrays(std::string(UNROLL_SOURCE_DIR) + "/CMakeLists.txt", {"rows"}),
                    Catch::Contains("CMakeLists.txt: is not an HDF5 file"));
}

}  // namespace
}  // namespace unroll::hdf5
