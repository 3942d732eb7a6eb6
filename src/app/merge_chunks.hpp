#pragma once
#include <string>

#include "unroll/store/chunks.hpp"

namespace unroll::app {

/// `unroll merge` of a folder that is cut: joins what is there, and says of which chunks something is missing. Returns
/// the exit code.
[[nodiscard]] int merge_chunks(const std::string& folder, const store::Chunks& chunks);

}  // namespace unroll::app
