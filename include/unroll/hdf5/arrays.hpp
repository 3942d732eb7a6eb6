#pragma once
// Named dense arrays in an HDF5 file: how weights travel (init.file, stages, output.weights). One dataset an array,
// named as in a PyTorch state_dict ("layer1.0.conv1.weight"), at the root of the file; text goes to root attributes.
// Names hold letters, digits and "_.-+". A file that cannot be used is a UsageError naming file and dataset.
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace unroll::hdf5 {

enum class ElementType { float32, float64, int32, int64, uint8 };

[[nodiscard]] std::size_t size_bytes(ElementType type);

struct Array {
  std::string name;
  ElementType type = ElementType::float32;
  std::vector<std::int64_t> shape;
  std::vector<std::byte> bytes;  // row-major, native order; size = elements * element size
};

struct ArrayFile {
  std::vector<Array> arrays;                      // read in the order written
  std::map<std::string, std::string> attributes;  // text of at most 60,000 bytes
};

/// The file as bytes, made in memory (no time stamps: equal content gives equal bytes).
[[nodiscard]] std::vector<std::byte> to_image(const ArrayFile& file);
/// Reads every root dataset of a type above in any byte order; other integers become int64; others are an error
/// naming them. Declared sizes are checked against the file's size; external storage, soft and external links, virtual
/// datasets and filters other than deflate, shuffle and fletcher32 are refused.
[[nodiscard]] ArrayFile read_arrays(const std::string& path);
/// Only the named root datasets, in that order; whatever else is in the file does not matter.
[[nodiscard]] ArrayFile read_arrays(const std::string& path, const std::vector<std::string>& names);
/// The same from bytes in memory; `name` is for messages.
[[nodiscard]] ArrayFile from_image(const std::vector<std::byte>& image, const std::string& name);

}  // namespace unroll::hdf5
