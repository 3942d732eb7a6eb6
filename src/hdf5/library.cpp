#include "library.hpp"

#include <algorithm>
#include <string_view>

#include "unroll/base/error.hpp"
#include "unroll/base/text.hpp"

namespace unroll::hdf5 {
namespace {

constexpr std::size_t kMaxAttributeBytes = 60'000;

// Collects the descriptions from the innermost error outwards.
herr_t collect(unsigned, const H5E_error2_t* error, void* out) noexcept {
  try {
    auto& lines = *static_cast<std::vector<std::string>*>(out);
    lines.emplace_back(error->desc != nullptr ? error->desc : "?");
    return 0;
  } catch (...) {
    return -1;
  }
}

void without_times(hid_t list) { check(H5Pset_obj_track_times(list, false)); }

void in_creation_order(hid_t list) {
  check(H5Pset_link_creation_order(list, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED));
  check(H5Pset_attr_creation_order(list, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED));
}

ListHandle creation_properties() {
  ListHandle list(check(H5Pcreate(H5P_FILE_CREATE)));
  without_times(list.get());
  in_creation_order(list.get());
  return list;
}

}  // namespace

std::string last_reason() {
  std::vector<std::string> lines;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, collect, &lines);
  H5Eclear2(H5E_DEFAULT);
  std::string reason = lines.empty() ? "call failed" : lines.back();
  if (lines.size() > 1) {
    reason += " (" + lines.front() + ")";
  }
  return printable(reason, 300);
}

void fail(std::source_location where) {
  std::string message = "HDF5: " + last_reason();
  const std::string_view file = where.file_name();
  message += " [" + std::string(file.substr(file.find_last_of('/') + 1)) + ":" + std::to_string(where.line()) + "]";
  throw Error(printable(message, 400));
}

std::size_t check_size(std::size_t result, std::source_location where) {
  if (result == 0) {
    fail(where);
  }
  return result;
}

void set_up() {
  check(H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr));
  check(H5PLset_loading_state(0));
}

void check_name(const std::string& name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("_.-+").find(c) != std::string_view::npos;
  };
  const bool fits = !name.empty() && name.size() <= 255 && name != "." && name != "..";
  if (!fits || !std::all_of(name.begin(), name.end(), allowed)) {
    throw Error("the HDF5 name '" + printable(name) + "' may hold letters, digits and _ . - + only (1 to 255 of them)");
  }
}

MemoryFile::MemoryFile() {
  const ListHandle creation = creation_properties();
  const ListHandle access(check(H5Pcreate(H5P_FILE_ACCESS)));
  check(H5Pset_fapl_core(access.get(), std::size_t{1} << 20, false));
  file_ = FileHandle(check(H5Fcreate("memory.h5", H5F_ACC_TRUNC, creation.get(), access.get())));
}

FileHandle create_file(const std::string& path) {
  const ListHandle creation = creation_properties();
  const ListHandle access(check(H5Pcreate(H5P_FILE_ACCESS)));
#if H5_VERSION_GE(1, 10, 7) && !(H5_VERS_MAJOR == 1 && H5_VERS_MINOR == 12 && H5_VERS_RELEASE == 0)
  check(H5Pset_file_locking(access.get(), false, true));  // nobody else knows its name yet
#endif
  return FileHandle(check(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, creation.get(), access.get())));
}

std::vector<std::byte> MemoryFile::image() const {
  check(H5Fflush(id(), H5F_SCOPE_LOCAL));
  std::vector<std::byte> bytes(static_cast<std::size_t>(check(H5Fget_file_image(id(), nullptr, 0))));
  check(H5Fget_file_image(id(), bytes.data(), bytes.size()));
  return bytes;
}

TypeHandle text_type(std::size_t size_bytes) {
  TypeHandle type(check(H5Tcopy(H5T_C_S1)));
  check(H5Tset_size(type.get(), std::max<std::size_t>(size_bytes, 1)));
  check(H5Tset_strpad(type.get(), H5T_STR_NULLPAD));
  check(H5Tset_cset(type.get(), H5T_CSET_UTF8));
  return type;
}

void write_attribute(hid_t object, const std::string& name, const std::string& text) {
  check_name(name);
  if (text.size() > kMaxAttributeBytes) {
    throw Error("the HDF5 attribute '" + name + "' holds " + std::to_string(text.size()) + " bytes, more than " +
                std::to_string(kMaxAttributeBytes));
  }
  const TypeHandle type = text_type(text.size());
  const SpaceHandle space(check(H5Screate(H5S_SCALAR)));
  const AttributeHandle attribute(
      check(H5Acreate2(object, name.c_str(), type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT)));
  check(H5Awrite(attribute.get(), type.get(), text.c_str()));
}

ListHandle group_properties() {
  ListHandle list(check(H5Pcreate(H5P_GROUP_CREATE)));
  without_times(list.get());
  in_creation_order(list.get());
  return list;
}

ListHandle dataset_properties() {
  ListHandle list(check(H5Pcreate(H5P_DATASET_CREATE)));
  without_times(list.get());
  check(H5Pset_attr_creation_order(list.get(), H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED));
  check(H5Pset_fill_time(list.get(), H5D_FILL_TIME_NEVER));
  return list;
}

}  // namespace unroll::hdf5
