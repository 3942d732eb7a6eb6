#pragma once
#include <string>
#include <vector>

#include "unroll/hdf5/table_reader.hpp"

namespace unroll::store {

/// Rows of a results file, whose schema and columns are known to be good, that repeat a key (run and step, ...), or
/// that name a run or a cell that is not there. At most a few lines a table.
[[nodiscard]] std::vector<std::string> row_problems(const hdf5::TableReader& reader);

/// A whole column; for tables that fit into memory.
template <typename Value>
std::vector<Value> read_whole(const hdf5::TableReader& reader, const std::string& table, const std::string& column) {
  return std::get<std::vector<Value>>(reader.open(table, column).read(0, reader.num_rows(table)));
}

}  // namespace unroll::store
