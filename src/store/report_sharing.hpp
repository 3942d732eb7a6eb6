#pragma once
// What sharing, forks and the stage cache saved, and where the time went: from the telemetry.h5 beside the results.
#include <cstddef>
#include <string>

#include "report_data.hpp"

namespace unroll::store {

/// "" when there is no telemetry.h5 that belongs to the results.
[[nodiscard]] std::string sharing_text(const std::string& results_path, const Results& results, std::size_t width);

}  // namespace unroll::store
