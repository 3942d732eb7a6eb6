// Files that this module never writes, made with the C API: what is refused, and what is read although it looks
// different.
#include <fcntl.h>
#include <hdf5.h>
#include <sys/file.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>

#include "support/catch.hpp"
#include "unroll/base/error.hpp"
#include "unroll/hdf5/arrays.hpp"
#include "unroll/hdf5/walk.hpp"

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

TEST_CASE("reals that are not IEEE float32 or float64, enumerations and bit fields are refused") {
  const auto typed = [](hid_t type) { return refusal([type](hid_t id) { add(id, "odd", type, {2}, nullptr, type); }); };
  const hid_t half = H5Tcopy(H5T_IEEE_F32LE);
  H5Tset_fields(half, 15, 10, 5, 0, 10);
  H5Tset_size(half, 2);
  H5Tset_ebias(half, 15);
  const hid_t boolean = H5Tenum_create(H5T_NATIVE_INT8);
  const std::int8_t no = 0;
  H5Tenum_insert(boolean, "FALSE", &no);
  const hid_t narrow = H5Tcopy(H5T_STD_I32LE);
  H5Tset_precision(narrow, 12);

  for (const hid_t type : {half, boolean, narrow, hid_t{H5T_STD_B32LE}, hid_t{H5T_STD_REF_OBJ}}) {
    CHECK_THAT(typed(type), Catch::Contains("'odd' must hold integers of 1 to 8 bytes, float32"));
  }

  H5Tclose(narrow);
  H5Tclose(boolean);
  H5Tclose(half);
}

hid_t chunked(hsize_t extent, bool deflated) {
  const hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_chunk(properties, 1, &extent);
  if (deflated) {
    H5Pset_deflate(properties, 9);
  }
  return properties;
}

TEST_CASE("a dataset of which chunks were never written is refused, for they would read as zeros") {
  CHECK_THAT(refusal([](hid_t id) {
               const hid_t properties = chunked(4, false);
               add(id, "x", H5T_IEEE_F32LE, {10}, nullptr, H5T_NATIVE_FLOAT, properties);
               const hid_t dataset = H5Dopen2(id, "x", H5P_DEFAULT);
               const hid_t space = H5Dget_space(dataset);
               const hsize_t start = 4, count = 4;
               H5Sselect_hyperslab(space, H5S_SELECT_SET, &start, nullptr, &count, nullptr);
               const hid_t memory = H5Screate_simple(1, &count, nullptr);
               H5Dwrite(dataset, H5T_NATIVE_FLOAT, memory, space, H5P_DEFAULT, kFloats);
               H5Sclose(memory);
               H5Sclose(space);
               H5Dclose(dataset);
               H5Pclose(properties);
             }),
             Catch::Contains("written in part only: 1 of 3 chunks are there"));
}

TEST_CASE("many names of one packed dataset are more than the file can mean") {
  CHECK_THAT(refusal([](hid_t id) {
               const std::vector<double> zeros(1'000'000);
               const hid_t properties = chunked(zeros.size(), true);
               add(id, "x0", H5T_IEEE_F64LE, {zeros.size()}, zeros.data(), H5T_NATIVE_DOUBLE, properties);
               for (int i = 1; i < 20; ++i) {
                 H5Lcreate_hard(id, "x0", id, ("x" + std::to_string(i)).c_str(), H5P_DEFAULT, H5P_DEFAULT);
               }
               H5Pclose(properties);
             }),
             Catch::Contains("its datasets up to 'x"));
}

TEST_CASE("no plugin is loaded for a filter") {
  const ForeignFile file([](hid_t id) { add(id, "x", H5T_IEEE_F32LE, {6}, kFloats, H5T_NATIVE_FLOAT); });
  H5PLset_loading_state(H5PL_ALL_PLUGIN);

  (void)read_arrays(file.path());

  unsigned state = 1;
  H5PLget_loading_state(&state);
  CHECK(state == 0);
}

TEST_CASE("a file that another program writes now is refused, and read where there are no locks") {
  const ForeignFile file([](hid_t id) { add(id, "x", H5T_IEEE_F32LE, {6}, kFloats, H5T_NATIVE_FLOAT); });
  const int writer = open(file.path().c_str(), O_RDWR);
  REQUIRE(flock(writer, LOCK_EX) == 0);

  CHECK_THROWS_WITH(read_arrays(file.path()), Catch::Contains("being written by another program"));
  flock(writer, LOCK_UN);
  CHECK(read_arrays(file.path()).arrays.size() == 1);

  close(writer);
}

TEST_CASE("the message says what HDF5 says") {
  const ForeignFile file([](hid_t id) { add(id, "x", H5T_IEEE_F32LE, {6}, kFloats, H5T_NATIVE_FLOAT); });
  std::filesystem::resize_file(file.path(), std::filesystem::file_size(file.path()) - 10);

  CHECK_THROWS_WITH(read_arrays(file.path()), Catch::Contains("truncated"));
}

TEST_CASE("a walk reads what reading would, and finds what reading would refuse") {
  const ForeignFile file([](hid_t id) {
    add(id, "x", H5T_IEEE_F32BE, {2, 3}, kFloats, H5T_NATIVE_FLOAT);
    const hid_t properties = chunked(4, true);
    add(id, "y", H5T_IEEE_F32LE, {6}, kFloats, H5T_NATIVE_FLOAT, properties);
    H5Pclose(properties);
    H5Lcreate_soft("/x", id, "z", H5P_DEFAULT, H5P_DEFAULT);
  });

  walk_arrays(file.path(), {"x", "y"});
  CHECK_THROWS_WITH(walk_arrays(file.path()), Catch::Contains("'z' is a soft or external link"));
  CHECK_THROWS_WITH(walk_arrays(file.path(), {"w"}), Catch::Contains("has no dataset 'w'"));
  CHECK_THROWS_WITH(walk_tables(file.path()), Catch::Contains("'x'"));
}

TEST_CASE("a walk unpacks what is packed: a chunk that is not what it should be is found") {
  const ForeignFile file([](hid_t id) {
    std::vector<float> values(100'000);
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] = static_cast<float>(i);
    }
    const hid_t properties = chunked(values.size(), true);
    add(id, "x", H5T_IEEE_F32LE, {values.size()}, values.data(), H5T_NATIVE_FLOAT, properties);
    H5Pclose(properties);
  });
  std::fstream bytes(file.path(), std::ios::in | std::ios::out | std::ios::binary);
  bytes.seekp(static_cast<std::streamoff>(std::filesystem::file_size(file.path()) / 2));
  bytes << "damaged here";
  bytes.close();

  CHECK_THROWS_AS(walk_arrays(file.path()), UsageError);
}

}  // namespace
}  // namespace unroll::hdf5
