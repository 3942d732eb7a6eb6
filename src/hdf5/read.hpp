#pragma once
// Reading files that may come from anybody: read-only, hard links only, types and filters from a short list, and no
// declared size that the file could not hold.
#include <cstdint>
#include <string>
#include <vector>

#include "library.hpp"

namespace unroll::hdf5 {

class ReadFile {
 public:
  /// Throws UsageError when there is no such file or HDF5 cannot open it.
  explicit ReadFile(const std::string& path);
  ReadFile(const std::vector<std::byte>& image, const std::string& name);

  [[nodiscard]] hid_t id() const { return file_.get(); }
  [[nodiscard]] const std::string& name() const { return name_; }
  /// More bytes than any dataset of this file can mean: deflate shrinks at most about a thousandfold.
  [[nodiscard]] std::uint64_t max_bytes() const { return (size_bytes_ + 64) * 1100; }

 private:
  FileHandle file_;
  std::string name_;
  std::uint64_t size_bytes_ = 0;
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
  [[nodiscard]] std::size_t num_elements() const;
};
/// Opens a dataset and checks its storage, filters, type class (integer, float, fixed-length text) and size.
[[nodiscard]] Dataset open_dataset(const ReadFile& file, hid_t group, const std::string& name);

/// Fixed-length text attribute, or "" when there is none of that name and kind.
[[nodiscard]] std::string read_text_attribute(hid_t object, const std::string& name);
[[nodiscard]] std::vector<std::string> attribute_names(hid_t object);
/// Every element of a text dataset.
[[nodiscard]] std::vector<std::string> read_texts(const Dataset& dataset);

}  // namespace unroll::hdf5
