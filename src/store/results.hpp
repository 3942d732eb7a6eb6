#pragma once
// What results.h5 and telemetry.h5 are made of: equal rows, in whatever order and shards they came, give equal files.
#include <string>
#include <vector>

#include "collected.hpp"
#include "row_columns.hpp"
#include "unroll/hdf5/tables.hpp"
#include "unroll/store/store.hpp"

namespace unroll::store {

inline constexpr const char* kResultsFormat = "unroll-results";
inline constexpr const char* kResultsVersion = "1";
inline constexpr const char* kTelemetryFormat = "unroll-telemetry";

/// One column a scientific key, one row a cell. Unset or not acting: -1, NaN or "".
[[nodiscard]] hdf5::Table cells_table(const std::vector<config::Settings>& cells);

/// Writes a new file; rows of pairs and layers come from the shards by `load`, in batches of columns. Needs memory for
/// a batch (320 MB), and per run and pair for what Collected keeps.
MergeSummary write_results(const std::string& path, const config::Study& study, const plan::Plan& plan,
                           const std::string& numerics_key, const Collected& collected, const LoadColumns& load);

[[nodiscard]] hdf5::TableFile telemetry_file(const config::Study& study, const plan::Plan& plan,
                                             std::vector<record::TelemetryRow> rows, const std::string& merged_at);

}  // namespace unroll::store
