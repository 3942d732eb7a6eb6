#pragma once
#include <string>

#include "unroll/plan/chunk.hpp"

namespace unroll::app {

/// "2/8". UsageError for anything else; what a study can be cut into is the plan's to say.
[[nodiscard]] plan::StudyChunk parse_chunk(const std::string& text);

}  // namespace unroll::app
