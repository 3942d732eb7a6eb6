#pragma once
// What results.h5 and telemetry.h5 hold, by the tables of src/record and the keys of a study, and how a file departs
// from it.
#include <string>
#include <vector>

#include "unroll/hdf5/tables.hpp"

namespace unroll::store {

enum class FileKind { results, telemetry };

/// By the attribute `format`. UsageError: another format, or a version that this program does not know.
[[nodiscard]] FileKind kind_of(const hdf5::TableFile& header, const std::string& path);

/// One line for each departure: a table or column that is missing, unknown or of another type; units, long_name,
/// digest, dimension scale, attributes and texts that are missing. Values are not looked at.
[[nodiscard]] std::vector<std::string> schema_problems(const hdf5::TableFile& header, FileKind kind);

}  // namespace unroll::store
