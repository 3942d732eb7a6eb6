#pragma once
// The HDF5 C API as this module uses it: owners for its handles, one check for its return values, and files built in
// memory. Automatic error printing is off; a failed call becomes an Error that carries HDF5's own error stack.
#include <hdf5.h>

#include <concepts>
#include <cstddef>
#include <source_location>
#include <string>
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

/// Throws Error with the library's error stack and the place of the call.
[[noreturn]] void fail(std::source_location where);

/// The result of an HDF5 call; a negative one throws.
template <std::signed_integral Result>
Result check(Result result, std::source_location where = std::source_location::current()) {
  if (result < 0) {
    fail(where);
  }
  return result;
}

/// HDF5 keeps printing switched on by default; every public function of this module starts with this.
void be_quiet();

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

/// A fixed-length UTF-8 type, padded with zero bytes; size is at least 1.
[[nodiscard]] TypeHandle text_type(std::size_t size_bytes);
/// Scalar text attribute of a fixed length; at most 60,000 bytes (HDF5 holds no longer ones).
void write_attribute(hid_t object, const std::string& name, const std::string& text);
/// Property lists without time stamps, so that equal content gives equal bytes.
[[nodiscard]] ListHandle group_properties();
[[nodiscard]] ListHandle dataset_properties();

}  // namespace unroll::hdf5
