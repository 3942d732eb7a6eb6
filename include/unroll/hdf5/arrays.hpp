#pragma once
// Named dense arrays in an HDF5 file: how weights travel (init.file, stages, output.weights). One dataset an array,
// named as in a PyTorch state_dict ("layer1.0.conv1.weight"), at the root of the file; text goes to root attributes.
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace unroll::hdf5 {

enum class ElementType { float32, float64, int32, int64, uint8 };

struct Array {
  std::string name;
  ElementType type = ElementType::float32;
  std::vector<std::int64_t> shape;
  std::vector<std::byte> bytes;  // row-major, native order; size = elements * element size
};

struct ArrayFile {
  std::vector<Array> arrays;
  std::map<std::string, std::string> attributes;  // text
};

/// The file as bytes, made in memory (no time stamps: equal content gives equal bytes).
[[nodiscard]] std::vector<std::byte> to_image(const ArrayFile& file);
/// Reads every root dataset of a type above (others are an error naming them). Declared sizes are checked against
/// the file's size; external storage, links, filters other than deflate and virtual datasets are refused.
[[nodiscard]] ArrayFile read_arrays(const std::string& path);
/// The same from bytes in memory; `name` is for messages.
[[nodiscard]] ArrayFile from_image(const std::vector<std::byte>& image, const std::string& name);

}  // namespace unroll::hdf5
