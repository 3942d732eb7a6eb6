#pragma once
// What is made of the arrays of a user's HDF5 file, once they are read: checked against what they are for. UsageError
// names path and dataset.
#include <cstdint>
#include <string>
#include <vector>

#include "readers.hpp"
#include "unroll/dataset/files.hpp"
#include "unroll/hdf5/arrays.hpp"

namespace unroll::dataset {

/// The values of an integer array; UsageError when it holds reals.
[[nodiscard]] std::vector<std::int64_t> integers_of(const std::string& path, const hdf5::Array& array);

[[nodiscard]] OrderTable order_of(const std::string& path, const hdf5::Array& array, std::int64_t num_train);
[[nodiscard]] std::vector<std::int64_t> rows_of(const std::string& path, const hdf5::Array& array,
                                                std::int64_t num_rows);
/// arrays: x_train, y_train, x_test, y_test.
[[nodiscard]] Raw raw_of(const std::string& path, const std::vector<hdf5::Array>& arrays);

}  // namespace unroll::dataset
