#include "unroll/hdf5/arrays.hpp"

#include "read.hpp"
#include "unroll/base/error.hpp"

namespace unroll::hdf5 {
namespace {

hid_t native_type(ElementType type) {
  switch (type) {
    case ElementType::float32:
      return H5T_NATIVE_FLOAT;
    case ElementType::float64:
      return H5T_NATIVE_DOUBLE;
    case ElementType::int32:
      return H5T_NATIVE_INT32;
    case ElementType::int64:
      return H5T_NATIVE_INT64;
    case ElementType::uint8:
      return H5T_NATIVE_UINT8;
  }
  throw Error("unknown element type");
}

ElementType element_type(const Dataset& dataset) {
  const bool is_signed = dataset.type_class == H5T_INTEGER && H5Tget_sign(dataset.type.get()) == H5T_SGN_2;
  const std::size_t size = dataset.element_bytes;
  if (dataset.type_class == H5T_FLOAT && (size == 4 || size == 8)) {
    return size == 4 ? ElementType::float32 : ElementType::float64;
  }
  if (dataset.type_class == H5T_INTEGER && size <= 8) {
    if (size == 1 && !is_signed) {
      return ElementType::uint8;
    }
    return size == 4 && is_signed ? ElementType::int32 : ElementType::int64;
  }
  throw Error("must hold float32, float64 or integers of up to 64 bits");
}

void write_array(hid_t file, const Array& array) {
  check_name(array.name);
  std::size_t num_bytes = size_bytes(array.type);
  std::vector<hsize_t> extents;
  for (const std::int64_t extent : array.shape) {
    extents.push_back(static_cast<hsize_t>(extent));
    num_bytes *= static_cast<std::size_t>(extent);
  }
  if (num_bytes != array.bytes.size()) {
    throw Error("array '" + array.name + "' has " + std::to_string(array.bytes.size()) + " bytes, its shape asks for " +
                std::to_string(num_bytes));
  }
  const SpaceHandle space(extents.empty()
                              ? check(H5Screate(H5S_SCALAR))
                              : check(H5Screate_simple(static_cast<int>(extents.size()), extents.data(), nullptr)));
  const ListHandle properties = dataset_properties();
  const hid_t type = native_type(array.type);
  const ObjectHandle dataset(
      check(H5Dcreate2(file, array.name.c_str(), type, space.get(), H5P_DEFAULT, properties.get(), H5P_DEFAULT)));
  if (num_bytes > 0) {
    check(H5Dwrite(dataset.get(), type, H5S_ALL, H5S_ALL, H5P_DEFAULT, array.bytes.data()));
  }
}

Array read_array(const ReadFile& file, const std::string& name) {
  const Dataset dataset = open_root_dataset(file, name);
  Array array;
  array.name = name;
  try {
    array.type = element_type(dataset);
  } catch (const Error& error) {
    throw Error("dataset '" + name + "' " + error.what());
  }
  file.declare(dataset, name);
  array.shape = dataset.shape;
  array.bytes.resize(dataset.num_elements() * size_bytes(array.type));
  if (!array.bytes.empty()) {
    check(H5Dread(dataset.handle.get(), native_type(array.type), H5S_ALL, H5S_ALL, H5P_DEFAULT, array.bytes.data()));
  }
  return array;
}

ArrayFile read_named(const ReadFile& file, const std::vector<std::string>* names) {
  try {
    ArrayFile result;
    for (const std::string& name : names != nullptr ? *names : member_names(file.id())) {
      result.arrays.push_back(read_array(file, name));
    }
    for (const std::string& name : attribute_names(file.id())) {
      result.attributes[name] = read_text_attribute(file.id(), name);
    }
    return result;
  } catch (const Error& error) {
    throw UsageError(file.name() + ": " + error.what());
  }
}

}  // namespace

std::size_t size_bytes(ElementType type) {
  switch (type) {
    case ElementType::float32:
    case ElementType::int32:
      return 4;
    case ElementType::float64:
    case ElementType::int64:
      return 8;
    case ElementType::uint8:
      return 1;
  }
  throw Error("unknown element type");
}

std::vector<std::byte> to_image(const ArrayFile& file) {
  set_up();
  const MemoryFile memory;
  for (const auto& [name, text] : file.attributes) {
    write_attribute(memory.id(), name, text);
  }
  for (const Array& array : file.arrays) {
    write_array(memory.id(), array);
  }
  return memory.image();
}

ArrayFile read_arrays(const std::string& path) { return read_named(ReadFile(path), nullptr); }

ArrayFile read_arrays(const std::string& path, const std::vector<std::string>& names) {
  return read_named(ReadFile(path), &names);
}

ArrayFile from_image(const std::vector<std::byte>& image, const std::string& name) {
  return read_named(ReadFile(image, name), nullptr);
}

}  // namespace unroll::hdf5
