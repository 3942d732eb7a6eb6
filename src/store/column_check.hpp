#pragma once
#include <string>

#include "unroll/hdf5/table_reader.hpp"

namespace unroll::store {

/// What is wrong with the values of a column, which are read once, in pieces: "column 'lr' of 'pairs': ..." when they
/// are not those of its digest, or a text is not UTF-8. Empty: nothing.
[[nodiscard]] std::string column_problem(const hdf5::TableReader& reader, const hdf5::Table& table,
                                         const hdf5::TableColumn& column);

/// UsageError for the first column of the file with a problem.
void require_whole_columns(const hdf5::TableReader& reader, const hdf5::Table& table, const std::string& path);

}  // namespace unroll::store
