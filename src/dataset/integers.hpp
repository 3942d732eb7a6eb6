#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "unroll/hdf5/arrays.hpp"

namespace unroll::dataset {

/// The values of an integer array; UsageError naming path and array when it holds reals.
[[nodiscard]] std::vector<std::int64_t> integers_of(const std::string& path, const hdf5::Array& array);

}  // namespace unroll::dataset
