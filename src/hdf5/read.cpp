#include "read.hpp"

#include <cstring>
#include <exception>
#include <filesystem>
#include <limits>

#include "unroll/base/error.hpp"

namespace unroll::hdf5 {
namespace {

constexpr int kMaxRank = 8;
constexpr std::size_t kMaxMembers = 1'000'000;

void lock_if_possible([[maybe_unused]] hid_t access) {
#if H5_VERSION_GE(1, 10, 7) && !(H5_VERS_MAJOR == 1 && H5_VERS_MINOR == 12 && H5_VERS_RELEASE == 0)
  check(H5Pset_file_locking(access, true, true));
#endif
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

// Throws unless the filters are those that every HDF5 library has and that cannot run foreign code.
void check_filters(hid_t list) {
  const int num_filters = check(H5Pget_nfilters(list));
  for (int i = 0; i < num_filters; ++i) {
    unsigned flags = 0, config = 0;
    std::size_t num_values = 0;
    const H5Z_filter_t filter =
        check(H5Pget_filter2(list, static_cast<unsigned>(i), &flags, &num_values, nullptr, 0, nullptr, &config));
    if (filter != H5Z_FILTER_DEFLATE && filter != H5Z_FILTER_SHUFFLE && filter != H5Z_FILTER_FLETCHER32) {
      throw Error("is stored with HDF5 filter " + std::to_string(filter) + "; use gzip, shuffle or fletcher32");
    }
  }
}

// a * b, or the largest value when that does not fit.
std::uint64_t product(std::uint64_t a, std::uint64_t b) {
  std::uint64_t result = 0;
  return __builtin_mul_overflow(a, b, &result) ? std::numeric_limits<std::uint64_t>::max() : result;
}

std::uint64_t chunk_bytes(hid_t list, int rank, std::size_t element_bytes) {
  std::vector<hsize_t> chunk(static_cast<std::size_t>(rank));
  check(H5Pget_chunk(list, rank, chunk.data()));
  std::uint64_t bytes = element_bytes;
  for (const hsize_t extent : chunk) {
    bytes = product(bytes, extent);
  }
  return bytes;
}

void check_storage(const ReadFile& file, const Dataset& dataset) {
  const ListHandle list(check(H5Dget_create_plist(dataset.handle.get())));
  if (check(H5Pget_external_count(list.get())) > 0) {
    throw Error("keeps its values in another file; write them into the HDF5 file itself");
  }
  std::uint64_t declared = dataset.element_bytes;
  for (const std::int64_t extent : dataset.shape) {
    declared = product(declared, static_cast<std::uint64_t>(extent));
  }
  const std::uint64_t stored = H5Dget_storage_size(dataset.handle.get());
  const H5D_layout_t layout = H5Pget_layout(list.get());
  if (layout == H5D_CHUNKED) {
    check_filters(list.get());
    const int rank = static_cast<int>(dataset.shape.size());
    if (declared > file.max_bytes() || chunk_bytes(list.get(), rank, dataset.element_bytes) > file.max_bytes()) {
      throw Error("declares more values than a file of this size can hold");
    }
  } else if (layout != H5D_CONTIGUOUS && layout != H5D_COMPACT) {
    throw Error("is a virtual dataset; write its values into the HDF5 file itself");
  } else if (declared > stored || declared > file.max_bytes() / 1100) {
    throw Error("declares more values than the file holds");
  }
  if (declared > 0 && stored == 0) {
    throw Error("holds no values: it was never written");
  }
}

bool is_allowed_class(H5T_class_t type_class, hid_t type) {
  return type_class == H5T_INTEGER || type_class == H5T_FLOAT ||
         (type_class == H5T_STRING && check(H5Tis_variable_str(type)) == 0);
}

}  // namespace

ReadFile::ReadFile(const std::string& path) : name_(path) {
  be_quiet();
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    throw UsageError(path + ": there is no such file");
  }
  size_bytes_ = std::filesystem::file_size(path, error);
  const ListHandle access(check(H5Pcreate(H5P_FILE_ACCESS)));
  lock_if_possible(access.get());
  const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDONLY, access.get());
  if (file < 0) {
    H5Eclear2(H5E_DEFAULT);
    throw UsageError(path + ": is not an HDF5 file that can be read (damaged, cut short or another format)");
  }
  file_ = FileHandle(file);
}

ReadFile::ReadFile(const std::vector<std::byte>& image, const std::string& name)
    : name_(name), size_bytes_(image.size()) {
  be_quiet();
  const ListHandle access(check(H5Pcreate(H5P_FILE_ACCESS)));
  check(H5Pset_fapl_core(access.get(), std::size_t{1} << 20, false));
  if (!image.empty()) {
    std::vector<std::byte>& bytes = const_cast<std::vector<std::byte>&>(image);  // HDF5 copies it
    check(H5Pset_file_image(access.get(), bytes.data(), bytes.size()));
  }
  const hid_t file = image.empty() ? H5I_INVALID_HID : H5Fopen("memory.h5", H5F_ACC_RDONLY, access.get());
  if (file < 0) {
    H5Eclear2(H5E_DEFAULT);
    throw UsageError(name + ": is not an HDF5 file that can be read (damaged, cut short or another format)");
  }
  file_ = FileHandle(file);
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
  const H5I_type_t kind = H5Iget_type(object.get());
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
  dataset.type_class = H5Tget_class(dataset.type.get());
  dataset.element_bytes = H5Tget_size(dataset.type.get());
  try {
    if (!is_allowed_class(dataset.type_class, dataset.type.get())) {
      throw Error("must hold integers, reals or fixed-length text");
    }
    const SpaceHandle space(check(H5Dget_space(dataset.handle.get())));
    const int rank = check(H5Sget_simple_extent_ndims(space.get()));
    if (H5Sget_simple_extent_type(space.get()) == H5S_NULL || rank > kMaxRank) {
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

std::string read_text_attribute(hid_t object, const std::string& name) {
  if (check(H5Aexists(object, name.c_str())) == 0) {
    return {};
  }
  const AttributeHandle attribute(check(H5Aopen(object, name.c_str(), H5P_DEFAULT)));
  const TypeHandle type(check(H5Aget_type(attribute.get())));
  const SpaceHandle space(check(H5Aget_space(attribute.get())));
  if (H5Tget_class(type.get()) != H5T_STRING || check(H5Tis_variable_str(type.get())) != 0 ||
      check(H5Sget_simple_extent_npoints(space.get())) != 1) {
    return {};
  }
  const std::size_t size = H5Tget_size(type.get());
  std::string text(size, '\0');
  const TypeHandle memory = text_type(size);
  check(H5Tset_cset(memory.get(), H5Tget_cset(type.get())));
  check(H5Aread(attribute.get(), memory.get(), text.data()));
  text.resize(std::strlen(text.c_str()) < text.size() ? std::strlen(text.c_str()) : text.size());
  return text;
}

std::vector<std::string> read_texts(const Dataset& dataset) {
  const std::size_t size = dataset.element_bytes;
  std::vector<char> bytes(dataset.num_elements() * size);
  const TypeHandle memory = text_type(size);
  check(H5Tset_cset(memory.get(), H5Tget_cset(dataset.type.get())));
  if (!bytes.empty()) {
    check(H5Dread(dataset.handle.get(), memory.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes.data()));
  }
  std::vector<std::string> texts;
  texts.reserve(dataset.num_elements());
  for (std::size_t i = 0; i < dataset.num_elements(); ++i) {
    const char* begin = bytes.data() + i * size;
    texts.emplace_back(begin, strnlen(begin, size));
  }
  return texts;
}

}  // namespace unroll::hdf5
