// Files that this module never writes, made with the C API: what is refused, and what is read although it looks
// different.
#include <hdf5.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <functional>

#include "support/catch.hpp"
#include "unroll/base/error.hpp"
#include "unroll/hdf5/arrays.hpp"

namespace unroll::hdf5 {
namespace {

// A file in a folder of its own, both gone at scope exit.
class ForeignFile {
 public:
  explicit ForeignFile(const std::function<void(hid_t)>& fill)
      : folder_(std::filesystem::temp_directory_path() / ("unroll-hdf5-" + std::to_string(getpid()))) {
    std::filesystem::create_directories(folder_);
    const hid_t file = H5Fcreate(path().c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    fill(file);
    H5Fclose(file);
  }
  ~ForeignFile() { std::filesystem::remove_all(folder_); }
  ForeignFile(const ForeignFile&) = delete;
  ForeignFile& operator=(const ForeignFile&) = delete;
  [[nodiscard]] std::string path() const { return (folder_ / "foreign.h5").string(); }

 private:
  std::filesystem::path folder_;
};

void add(hid_t file, const char* name, hid_t type, std::vector<hsize_t> shape, const void* values, hid_t memory_type,
         hid_t properties = H5P_DEFAULT) {
  const hid_t space = H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr);
  const hid_t dataset = H5Dcreate2(file, name, type, space, H5P_DEFAULT, properties, H5P_DEFAULT);
  if (values != nullptr) {
    H5Dwrite(dataset, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
  }
  H5Dclose(dataset);
  H5Sclose(space);
}

std::string refusal(const std::function<void(hid_t)>& fill) {
  const ForeignFile file(fill);
  try {
    (void)read_arrays(file.path());
  } catch (const UsageError& error) {
    const std::string message = error.what();
    CHECK(message.find(file.path()) == 0);
    CHECK(message.find('\n') == std::string::npos);
    return message;
  }
  return "accepted";
}

const float kFloats[6] = {1, 2, 3, 4, 5, 6};

TEST_CASE("big-endian reals, short integers and compressed chunks are read") {
  const ForeignFile file([](hid_t id) {
    const std::int16_t shorts[3] = {-2, 0, 300};
    const std::uint64_t longs[1] = {5};
    add(id, "big", H5T_IEEE_F32BE, {2, 3}, kFloats, H5T_NATIVE_FLOAT);
    add(id, "short", H5T_STD_I16BE, {3}, shorts, H5T_NATIVE_INT16);
    add(id, "unsigned", H5T_STD_U64LE, {1}, longs, H5T_NATIVE_UINT64);
    const hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
    const hsize_t chunk[2] = {1, 3};
    H5Pset_chunk(properties, 2, chunk);
    H5Pset_shuffle(properties);
    H5Pset_deflate(properties, 9);
    H5Pset_fletcher32(properties);
    add(id, "chunked", H5T_IEEE_F32LE, {2, 3}, kFloats, H5T_NATIVE_FLOAT, properties);
    H5Pclose(properties);
  });

  const ArrayFile read = read_arrays(file.path(), {"big", "chunked", "short", "unsigned"});

  for (const std::size_t i : {0u, 1u}) {
    CHECK(read.arrays[i].type == ElementType::float32);
    CHECK(read.arrays[i].shape == std::vector<std::int64_t>{2, 3});
    CHECK(std::memcmp(read.arrays[i].bytes.data(), kFloats, sizeof kFloats) == 0);
  }
  const std::int64_t expected[3] = {-2, 0, 300};
  CHECK(read.arrays[2].type == ElementType::int64);
  CHECK(std::memcmp(read.arrays[2].bytes.data(), expected, sizeof expected) == 0);
  CHECK(read.arrays[3].type == ElementType::int64);
}

TEST_CASE("a soft link is refused") {
  CHECK_THAT(refusal([](hid_t id) { H5Lcreate_soft("/other", id, "x", H5P_DEFAULT, H5P_DEFAULT); }),
             Catch::Contains("link"));
}

TEST_CASE("an external link is refused and not followed") {
  CHECK_THAT(refusal([](hid_t id) { H5Lcreate_external("/etc/passwd", "/x", id, "x", H5P_DEFAULT, H5P_DEFAULT); }),
             Catch::Contains("link"));
}

TEST_CASE("external storage is refused") {
  CHECK_THAT(refusal([](hid_t id) {
               const hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
               H5Pset_external(properties, "/etc/passwd", 0, 24);
               add(id, "x", H5T_IEEE_F32LE, {6}, nullptr, H5T_NATIVE_FLOAT, properties);
               H5Pclose(properties);
             }),
             Catch::Contains("another file"));
}

TEST_CASE("a virtual dataset is refused") {
  CHECK_THAT(refusal([](hid_t id) {
               const hsize_t extent = 6;
               const hid_t space = H5Screate_simple(1, &extent, nullptr);
               const hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
               H5Pset_virtual(properties, space, "/tmp/other.h5", "/y", space);
               add(id, "x", H5T_IEEE_F32LE, {6}, nullptr, H5T_NATIVE_FLOAT, properties);
               H5Pclose(properties);
               H5Sclose(space);
             }),
             Catch::Contains("virtual"));
}

TEST_CASE("a filter outside the list is refused") {
  CHECK_THAT(refusal([](hid_t id) {
               const hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
               const hsize_t chunk = 6;
               const std::int32_t integers[6] = {1, 2, 3, 4, 5, 6};
               H5Pset_chunk(properties, 1, &chunk);
               H5Pset_nbit(properties);
               add(id, "x", H5T_STD_I32LE, {6}, integers, H5T_NATIVE_INT32, properties);
               H5Pclose(properties);
             }),
             Catch::Contains("filter"));
}

TEST_CASE("sizes that the file cannot hold are refused before memory is asked for") {
  CHECK_THAT(refusal([](hid_t id) { add(id, "x", H5T_IEEE_F64LE, {hsize_t{1} << 40}, nullptr, H5T_NATIVE_DOUBLE); }),
             Catch::Contains("more values than"));
  CHECK_THAT(refusal([](hid_t id) {
               const hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
               const hsize_t chunk = 1000;
               H5Pset_chunk(properties, 1, &chunk);
               H5Pset_deflate(properties, 1);
               add(id, "x", H5T_IEEE_F64LE, {hsize_t{1} << 40}, nullptr, H5T_NATIVE_DOUBLE, properties);
               H5Pclose(properties);
             }),
             Catch::Contains("more values than"));
}

TEST_CASE("types that are no arrays of numbers are refused by name") {
  const auto typed = [](hid_t type) { return refusal([type](hid_t id) { add(id, "odd", type, {2}, nullptr, type); }); };
  const hid_t compound = H5Tcreate(H5T_COMPOUND, 8);
  H5Tinsert(compound, "a", 0, H5T_NATIVE_DOUBLE);
  const hid_t text = H5Tcopy(H5T_C_S1);
  H5Tset_size(text, H5T_VARIABLE);

  CHECK_THAT(typed(compound), Catch::Contains("'odd'"));
  CHECK_THAT(typed(text), Catch::Contains("'odd'"));
  CHECK_THAT(refusal([](hid_t id) { H5Gclose(H5Gcreate2(id, "group", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT)); }),
             Catch::Contains("'group'"));
  H5Tclose(text);
  H5Tclose(compound);
}

}  // namespace
}  // namespace unroll::hdf5
