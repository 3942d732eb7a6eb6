#pragma once
// What results.h5 and telemetry.h5 are made of. Pure: equal rows, in whatever order they came, give equal files.
#include <string>
#include <vector>

#include "collected.hpp"
#include "unroll/hdf5/tables.hpp"
#include "unroll/store/store.hpp"

namespace unroll::store {

inline constexpr const char* kResultsFormat = "unroll-results";
inline constexpr const char* kResultsVersion = "1";
inline constexpr const char* kTelemetryFormat = "unroll-telemetry";

/// One column a scientific key, one row a cell. Unset or not acting: -1, NaN or "".
[[nodiscard]] hdf5::Table cells_table(const std::vector<config::Settings>& cells);

/// summary is filled in.
[[nodiscard]] hdf5::TableFile results_file(const config::Study& study, const plan::Plan& plan,
                                           const std::string& numerics_key, const Collected& collected,
                                           MergeSummary& summary);

[[nodiscard]] hdf5::TableFile telemetry_file(const config::Study& study, const plan::Plan& plan,
                                             std::vector<record::TelemetryRow> rows, const std::string& merged_at);

}  // namespace unroll::store
