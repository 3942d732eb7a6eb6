#pragma once
// The HDF5 C API as this module uses it: owners for its handles, one check for its return values, and files built in
// memory. Automatic error printing is off; a failed call becomes an Error that carries HDF5's own error stack.
#include <hdf5.h>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <source_location>
#include <string>
#include <type_traits>
#include <vector>

#include "unroll/base/handle.hpp"

namespace unroll::hdf5 {

template <herr_t (*Close)(hid_t)>
struct HandleTraits {
  using Type = hid_t;
  static Type null() noexcept { return H5I_INVALID_HID; }
  static void close(Type value) noexcept { Close(value); }
};
using FileHandle = UniqueHandle<HandleTraits<H5Fclose>>;
using ObjectHandle = UniqueHandle<HandleTraits<H5Oclose>>;  // group or dataset
using SpaceHandle = UniqueHandle<HandleTraits<H5Sclose>>;
using TypeHandle = UniqueHandle<HandleTraits<H5Tclose>>;
using ListHandle = UniqueHandle<HandleTraits<H5Pclose>>;
using AttributeHandle = UniqueHandle<HandleTraits<H5Aclose>>;

/// What the library says of the call that failed last, outermost and innermost reason: "can't open (bad signature)".
[[nodiscard]] std::string last_reason();
/// Throws Error with the library's error stack and the place of the call.
[[noreturn]] void fail(std::source_location where);

/// The result of an HDF5 call; a negative one throws.
template <typename Result>
requires std::signed_integral<Result> || std::is_enum_v<Result> Result
check(Result result, std::source_location where = std::source_location::current()) {
  if (static_cast<std::int64_t>(result) < 0) {
    fail(where);
  }
  return result;
}

/// The same for calls that tell of an error by 0.
std::size_t check_size(std::size_t result, std::source_location where = std::source_location::current());

/// HDF5 prints its errors, and loads plugins for filters that it does not know, unless told otherwise: every public
/// function of this module starts with this.
void set_up();

/// Letters, digits and "_.-+", not "." or "..", at most 255: what a dataset, group or attribute may be called.
/// Throws Error otherwise.
void check_name(const std::string& name);

/// A file that exists in memory only.
class MemoryFile {
 public:
  MemoryFile();
  [[nodiscard]] hid_t id() const { return file_.get(); }
  [[nodiscard]] std::vector<std::byte> image() const;

 private:
  FileHandle file_;
};

/// A new file on disk, with the creation properties of all our files; takes the place of one that is there.
[[nodiscard]] FileHandle create_file(const std::string& path);

/// A fixed-length UTF-8 type, padded with zero bytes; size is at least 1.
[[nodiscard]] TypeHandle text_type(std::size_t size_bytes);
/// Scalar text attribute of a fixed length; at most 60,000 bytes (HDF5 holds no longer ones).
void write_attribute(hid_t object, const std::string& name, const std::string& text);
/// Property lists without time stamps, so that equal content gives equal bytes.
[[nodiscard]] ListHandle group_properties();
[[nodiscard]] ListHandle dataset_properties();

}  // namespace unroll::hdf5
