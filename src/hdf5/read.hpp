#pragma once
// Reading files that may come from anybody: read-only, hard links only, types and filters from a short list, and no
// declared size that the file could not hold.
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "library.hpp"

namespace unroll::hdf5 {

struct Dataset;

struct DescriptorTraits {
  using Type = int;
  static Type null() noexcept { return -1; }
  static void close(Type descriptor) noexcept;
};
using Descriptor = UniqueHandle<DescriptorTraits>;

class ReadFile {
 public:
  /// Throws UsageError when there is no such file, another program writes it, or HDF5 cannot open it. Locks are used
  /// where the file system has them.
  explicit ReadFile(const std::string& path);
  ReadFile(const std::vector<std::byte>& image, const std::string& name);

  [[nodiscard]] hid_t id() const { return file_.get(); }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::uint64_t size_bytes() const { return size_bytes_; }
  /// More bytes than the datasets of this file can mean: deflate shrinks at most 1,032 fold.
  [[nodiscard]] std::uint64_t max_bytes() const { return (size_bytes_ + 64) * 1100; }
  /// Counts a dataset that will be read; Error when all of them are more than the file can mean (one may have many
  /// names).
  void declare(const Dataset& dataset, const std::string& name) const;

 private:
  void open(hid_t file);

  Descriptor lock_;
  FileHandle file_;
  std::string name_;
  std::uint64_t size_bytes_ = 0;
  mutable std::uint64_t declared_bytes_ = 0;
};

/// Names of the links of a group: in creation order where the file keeps it, else by name.
[[nodiscard]] std::vector<std::string> member_names(hid_t group);

enum class MemberKind { none, dataset, group };
/// What a link leads to; soft, external and user-defined links are refused.
[[nodiscard]] MemberKind member_kind(hid_t group, const std::string& name);

struct Dataset {
  ObjectHandle handle;
  TypeHandle type;
  H5T_class_t type_class = H5T_NO_CLASS;
  std::size_t element_bytes = 0;  // in the file
  std::vector<std::int64_t> shape;
  std::vector<hsize_t> chunk;  // extents; empty where it is not chunked or holds nothing
  [[nodiscard]] std::size_t num_elements() const;
  [[nodiscard]] std::uint64_t declared_bytes() const;  // the largest value when that does not fit
};
/// Opens a dataset and checks its type, rank, storage, filters and size.
[[nodiscard]] Dataset open_dataset(const ReadFile& file, hid_t group, const std::string& name);

/// The same of a name at the root; Error when there is none, or a group.
[[nodiscard]] Dataset open_root_dataset(const ReadFile& file, const std::string& name);

/// Fixed-length text attribute, or "" when there is none of that name and kind.
[[nodiscard]] std::string read_text_attribute(hid_t object, const std::string& name);
[[nodiscard]] std::vector<std::string> attribute_names(hid_t object);
/// Every element of a text dataset.
[[nodiscard]] std::vector<std::string> read_texts(const Dataset& dataset);
/// Memory type for its text, and texts of `size` bytes each, cut at their first zero byte.
[[nodiscard]] TypeHandle memory_text_type(const Dataset& dataset);
[[nodiscard]] std::vector<std::string> texts_of(std::span<const char> bytes, std::size_t size);

// storage.cpp
/// Standard integers and reals of either byte order, and fixed-length text.
[[nodiscard]] bool is_allowed_type(hid_t type);
/// Sets dataset.chunk. Error: external storage, a virtual dataset, a filter that is not allowed, chunks that are
/// missing, sizes that the file cannot hold.
void check_storage(const ReadFile& file, Dataset& dataset);

}  // namespace unroll::hdf5
