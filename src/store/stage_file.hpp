#pragma once
// Where a shared stage lies.
#include <string>

namespace unroll::store {

/// Error when the id cannot be a file's name.
[[nodiscard]] std::string stage_path(const std::string& folder, const std::string& id);

}  // namespace unroll::store
