#include "read.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <exception>
#include <filesystem>
#include <limits>

#include "unroll/base/error.hpp"

namespace unroll::hdf5 {
namespace {

constexpr int kMaxRank = 8;
constexpr std::size_t kMaxMembers = 1'000'000;
constexpr std::size_t kMaxAttributeBytes = 65'536;

// Locks only say whether somebody writes the file now. HDF5's own fail on file systems that have none.
ListHandle without_locks() {
  ListHandle access(check(H5Pcreate(H5P_FILE_ACCESS)));
#if H5_VERSION_GE(1, 10, 7) && !(H5_VERS_MAJOR == 1 && H5_VERS_MINOR == 12 && H5_VERS_RELEASE == 0)
  check(H5Pset_file_locking(access.get(), false, true));
#endif
  return access;
}

struct NameList {
  std::vector<std::string> names;
  std::exception_ptr error;
};

herr_t collect_link(hid_t, const char* name, const H5L_info_t*, void* out) noexcept {
  auto& list = *static_cast<NameList*>(out);
  try {
    if (list.names.size() >= kMaxMembers) {
      throw Error("more than " + std::to_string(kMaxMembers) + " members in one group");
    }
    list.names.emplace_back(name);
    return 0;
  } catch (...) {
    list.error = std::current_exception();
    return -1;
  }
}

herr_t collect_attribute(hid_t, const char* name, const H5A_info_t*, void* out) noexcept {
  return collect_link(0, name, nullptr, out);
}

bool keeps_creation_order(hid_t group) {
  const ObjectHandle itself(check(H5Gopen2(group, ".", H5P_DEFAULT)));  // group may be a file: then its root
  const ListHandle list(check(H5Gget_create_plist(itself.get())));
  unsigned flags = 0;
  check(H5Pget_link_creation_order(list.get(), &flags));
  return (flags & H5P_CRT_ORDER_INDEXED) != 0;
}

}  // namespace

void DescriptorTraits::close(Type descriptor) noexcept { ::close(descriptor); }

ReadFile::ReadFile(const std::string& path) : name_(path) {
  set_up();
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    throw UsageError(path + ": there is no such file");
  }
  size_bytes_ = std::filesystem::file_size(path, error);
  lock_ = Descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!lock_) {
    throw UsageError(path + ": cannot be opened: " + std::strerror(errno));
  }
  if (flock(lock_.get(), LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    throw UsageError(path + ": is being written by another program; wait until it has closed the file");
  }
  const ListHandle access = without_locks();
  open(H5Fopen(path.c_str(), H5F_ACC_RDONLY, access.get()));
}

ReadFile::ReadFile(const std::vector<std::byte>& image, const std::string& name)
    : name_(name), size_bytes_(image.size()) {
  set_up();
  const ListHandle access(check(H5Pcreate(H5P_FILE_ACCESS)));
  check(H5Pset_fapl_core(access.get(), std::size_t{1} << 20, false));
  if (!image.empty()) {
    std::vector<std::byte>& bytes = const_cast<std::vector<std::byte>&>(image);  // HDF5 copies it
    check(H5Pset_file_image(access.get(), bytes.data(), bytes.size()));
  }
  open(image.empty() ? H5I_INVALID_HID : H5Fopen("memory.h5", H5F_ACC_RDONLY, access.get()));
}

void ReadFile::open(hid_t file) {
  if (file < 0) {
    throw UsageError(name_ +
                     ": is not an HDF5 file that can be read (damaged, cut short or another format): " + last_reason());
  }
  file_ = FileHandle(file);
}

void ReadFile::declare(const Dataset& dataset, const std::string& name) const {
  const std::uint64_t bytes = dataset.declared_bytes();
  if (bytes > max_bytes() - declared_bytes_) {
    throw Error("its datasets up to '" + name + "' declare more values than a file of this size can hold");
  }
  declared_bytes_ += bytes;
}

std::vector<std::string> member_names(hid_t group) {
  NameList list;
  const H5_index_t index = keeps_creation_order(group) ? H5_INDEX_CRT_ORDER : H5_INDEX_NAME;
  const herr_t result = H5Literate(group, index, H5_ITER_INC, nullptr, collect_link, &list);
  if (list.error) {
    std::rethrow_exception(list.error);
  }
  check(result);
  return list.names;
}

std::vector<std::string> attribute_names(hid_t object) {
  NameList list;
  const herr_t result = H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, nullptr, collect_attribute, &list);
  if (list.error) {
    std::rethrow_exception(list.error);
  }
  check(result);
  return list.names;
}

MemberKind member_kind(hid_t group, const std::string& name) {
  check_name(name);
  if (check(H5Lexists(group, name.c_str(), H5P_DEFAULT)) == 0) {
    return MemberKind::none;
  }
  H5L_info_t info;
  check(H5Lget_info(group, name.c_str(), &info, H5P_DEFAULT));
  if (info.type != H5L_TYPE_HARD) {
    throw Error("'" + name + "' is a soft or external link; write the values into the HDF5 file itself");
  }
  const ObjectHandle object(check(H5Oopen(group, name.c_str(), H5P_DEFAULT)));
  const H5I_type_t kind = check(H5Iget_type(object.get()));
  if (kind != H5I_DATASET && kind != H5I_GROUP) {
    throw Error("'" + name + "' is neither a dataset nor a group");
  }
  return kind == H5I_DATASET ? MemberKind::dataset : MemberKind::group;
}

std::size_t Dataset::num_elements() const {
  std::size_t count = 1;
  for (const std::int64_t extent : shape) {
    count *= static_cast<std::size_t>(extent);
  }
  return count;
}

Dataset open_dataset(const ReadFile& file, hid_t group, const std::string& name) {
  Dataset dataset;
  dataset.handle = ObjectHandle(check(H5Dopen2(group, name.c_str(), H5P_DEFAULT)));
  dataset.type = TypeHandle(check(H5Dget_type(dataset.handle.get())));
  dataset.type_class = check(H5Tget_class(dataset.type.get()));
  dataset.element_bytes = check_size(H5Tget_size(dataset.type.get()));
  try {
    if (!is_allowed_type(dataset.type.get())) {
      throw Error("must hold integers of 1 to 8 bytes, float32, float64 or fixed-length text");
    }
    const SpaceHandle space(check(H5Dget_space(dataset.handle.get())));
    const int rank = check(H5Sget_simple_extent_ndims(space.get()));
    if (check(H5Sget_simple_extent_type(space.get())) == H5S_NULL || rank > kMaxRank) {
      throw Error("must have a shape of at most " + std::to_string(kMaxRank) + " dimensions");
    }
    std::vector<hsize_t> extents(static_cast<std::size_t>(rank));
    check(H5Sget_simple_extent_dims(space.get(), extents.data(), nullptr));
    for (const hsize_t extent : extents) {
      if (extent > static_cast<hsize_t>(std::numeric_limits<std::int64_t>::max())) {
        throw Error("declares more values than the file holds");
      }
      dataset.shape.push_back(static_cast<std::int64_t>(extent));
    }
    check_storage(file, dataset);
  } catch (const Error& error) {
    throw Error("dataset '" + name + "' " + error.what());
  }
  return dataset;
}

Dataset open_root_dataset(const ReadFile& file, const std::string& name) {
  switch (member_kind(file.id(), name)) {
    case MemberKind::none:
      throw Error("has no dataset '" + name + "'");
    case MemberKind::group:
      throw Error("'" + name + "' is a group where a dataset is expected");
    case MemberKind::dataset:
      break;
  }
  return open_dataset(file, file.id(), name);
}

std::string read_text_attribute(hid_t object, const std::string& name) {
  if (check(H5Aexists(object, name.c_str())) == 0) {
    return {};
  }
  const AttributeHandle attribute(check(H5Aopen(object, name.c_str(), H5P_DEFAULT)));
  const TypeHandle type(check(H5Aget_type(attribute.get())));
  const SpaceHandle space(check(H5Aget_space(attribute.get())));
  if (check(H5Tget_class(type.get())) != H5T_STRING || check(H5Tis_variable_str(type.get())) != 0 ||
      check(H5Sget_simple_extent_npoints(space.get())) != 1) {
    return {};
  }
  const std::size_t size = check_size(H5Tget_size(type.get()));
  if (size > kMaxAttributeBytes) {
    return {};
  }
  std::string text(size, '\0');
  const TypeHandle memory = text_type(size);
  check(H5Tset_cset(memory.get(), check(H5Tget_cset(type.get()))));
  check(H5Aread(attribute.get(), memory.get(), text.data()));
  text.resize(std::strlen(text.c_str()) < text.size() ? std::strlen(text.c_str()) : text.size());
  return text;
}

std::vector<std::string> read_texts(const Dataset& dataset) {
  const std::size_t size = dataset.element_bytes;
  std::vector<char> bytes(dataset.num_elements() * size);
  if (!bytes.empty()) {
    const TypeHandle memory = memory_text_type(dataset);
    check(H5Dread(dataset.handle.get(), memory.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes.data()));
  }
  return texts_of(bytes, size);
}

TypeHandle memory_text_type(const Dataset& dataset) {
  TypeHandle memory = text_type(dataset.element_bytes);
  check(H5Tset_cset(memory.get(), check(H5Tget_cset(dataset.type.get()))));
  return memory;
}

std::vector<std::string> texts_of(std::span<const char> bytes, std::size_t size) {
  std::vector<std::string> texts;
  texts.reserve(bytes.size() / size);
  for (std::size_t at = 0; at < bytes.size(); at += size) {
    texts.emplace_back(bytes.data() + at, strnlen(bytes.data() + at, size));
  }
  return texts;
}

}  // namespace unroll::hdf5
