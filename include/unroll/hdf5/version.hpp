#pragma once
#include <string>

namespace unroll::hdf5 {

/// "1.10.8": of the library that is loaded.
[[nodiscard]] std::string library_version();

}  // namespace unroll::hdf5
