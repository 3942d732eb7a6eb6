#pragma once
#include <string>

namespace unroll::app {

/// Every key of a study with its default, meaning, range and when it acts: what `unroll keys` prints.
[[nodiscard]] std::string keys_text();

}  // namespace unroll::app
