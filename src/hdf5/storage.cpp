// What a dataset may be made of: types, filters, layouts and sizes from a short list.
#include <array>
#include <limits>

#include "read.hpp"
#include "unroll/base/error.hpp"

namespace unroll::hdf5 {
namespace {

// a * b, or the largest value when that does not fit.
std::uint64_t product(std::uint64_t a, std::uint64_t b) {
  std::uint64_t result = 0;
  return __builtin_mul_overflow(a, b, &result) ? std::numeric_limits<std::uint64_t>::max() : result;
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

// The number of chunks that cover the dataset; Error when one would be larger than the file can mean.
std::uint64_t num_chunks(const ReadFile& file, const Dataset& dataset) {
  std::uint64_t count = 1, bytes = dataset.element_bytes;
  for (std::size_t i = 0; i < dataset.shape.size(); ++i) {
    const auto extent = static_cast<std::uint64_t>(dataset.shape[i]);
    if (dataset.chunk[i] == 0) {
      throw Error("has chunks without values");
    }
    count = product(count, extent / dataset.chunk[i] + (extent % dataset.chunk[i] != 0 ? 1 : 0));
    bytes = product(bytes, dataset.chunk[i]);
  }
  if (bytes > file.max_bytes()) {
    throw Error("declares more values than a file of this size can hold");
  }
  return count;
}

// A chunk that was never written, or is lost, would read as zeros.
void check_chunks(const ReadFile& file, Dataset& dataset, hid_t list) {
  check_filters(list);
  dataset.chunk.resize(dataset.shape.size());
  check(H5Pget_chunk(list, static_cast<int>(dataset.chunk.size()), dataset.chunk.data()));
  [[maybe_unused]] const std::uint64_t expected = num_chunks(file, dataset);
#if H5_VERSION_GE(1, 10, 5)
  const SpaceHandle space(check(H5Dget_space(dataset.handle.get())));
  hsize_t stored = 0;
  check(H5Dget_num_chunks(dataset.handle.get(), space.get(), &stored));
  if (stored != expected) {
    throw Error("was written in part only: " + std::to_string(stored) + " of " + std::to_string(expected) +
                " chunks are there");
  }
#endif
}

}  // namespace

bool is_allowed_type(hid_t type) {
  const H5T_class_t type_class = check(H5Tget_class(type));
  if (type_class == H5T_STRING) {
    return check(H5Tis_variable_str(type)) == 0;
  }
  const std::array<hid_t, 20> numbers = {H5T_STD_I8LE,  H5T_STD_I8BE,   H5T_STD_I16LE,  H5T_STD_I16BE,  H5T_STD_I32LE,
                                         H5T_STD_I32BE, H5T_STD_I64LE,  H5T_STD_I64BE,  H5T_STD_U8LE,   H5T_STD_U8BE,
                                         H5T_STD_U16LE, H5T_STD_U16BE,  H5T_STD_U32LE,  H5T_STD_U32BE,  H5T_STD_U64LE,
                                         H5T_STD_U64BE, H5T_IEEE_F32LE, H5T_IEEE_F32BE, H5T_IEEE_F64LE, H5T_IEEE_F64BE};
  for (const hid_t number : numbers) {
    if (check(H5Tequal(type, number)) > 0) {
      return true;
    }
  }
  return false;
}

std::uint64_t Dataset::declared_bytes() const {
  std::uint64_t bytes = element_bytes;
  for (const std::int64_t extent : shape) {
    bytes = product(bytes, static_cast<std::uint64_t>(extent));
  }
  return bytes;
}

void check_storage(const ReadFile& file, Dataset& dataset) {
  const ListHandle list(check(H5Dget_create_plist(dataset.handle.get())));
  if (check(H5Pget_external_count(list.get())) > 0) {
    throw Error("keeps its values in another file; write them into the HDF5 file itself");
  }
  const std::uint64_t declared = dataset.declared_bytes();
  const std::uint64_t stored = H5Dget_storage_size(dataset.handle.get());
  const H5D_layout_t layout = check(H5Pget_layout(list.get()));
  if (declared > file.max_bytes()) {
    throw Error("declares more values than a file of this size can hold");
  }
  if (layout == H5D_CHUNKED && declared > 0 && stored > 0) {
    check_chunks(file, dataset, list.get());
  } else if (layout != H5D_CHUNKED && layout != H5D_CONTIGUOUS && layout != H5D_COMPACT) {
    throw Error("is a virtual dataset; write its values into the HDF5 file itself");
  } else if (layout != H5D_CHUNKED && (declared > stored || declared > file.size_bytes())) {
    throw Error("declares more values than the file holds");
  }
  if (declared > 0 && stored == 0) {
    throw Error("holds no values: it was never written");
  }
}

}  // namespace unroll::hdf5
