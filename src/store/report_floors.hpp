#pragma once
// The report's section on noise floors: for each cell the verification error beside them.
#include <string>

#include "report_data.hpp"

namespace unroll::store {

/// "" for results without /floors. A line a cell, at its last step.
[[nodiscard]] std::string floors_text(const Results& results, std::size_t width);

}  // namespace unroll::store
