#pragma once
// What reading whole tables and reading them in pieces share.
#include <functional>
#include <string>

#include "read.hpp"
#include "unroll/hdf5/tables.hpp"

namespace unroll::hdf5 {

/// A column, open: 64-bit or shorter numbers or text, one-dimensional. Error names the column.
[[nodiscard]] Dataset open_column(hid_t group, const ReadFile& file, const std::string& name);
/// Its name, kind (an alternative of values without values) and attributes.
[[nodiscard]] TableColumn describe_column(const Dataset& dataset, const std::string& name);
[[nodiscard]] ColumnValues read_rows(const Dataset& dataset, std::size_t first_row, std::size_t num_rows);
/// The same bytes as in the file, where it is ours: little-endian numbers, padded text.
[[nodiscard]] std::vector<std::byte> read_row_bytes(const Dataset& dataset, std::size_t first_row,
                                                    std::size_t num_rows);

/// To be called for each column that is wanted; it may add values.
using OnColumn = std::function<void(const Dataset&, const std::string& table, TableColumn&)>;
/// All of a file but its columns' values. UsageError naming the file.
[[nodiscard]] TableFile read_header(const ReadFile& file, const ColumnFilter& is_wanted, const OnColumn& on_column);

}  // namespace unroll::hdf5
