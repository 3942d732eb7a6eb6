#pragma once
// Tidy tables in an HDF5 file that netCDF-4 reads too: a group a table, in it one 1-D dataset a column, all on one
// dimension scale "row" (0, 1, 2, ...), each with the attributes units and long_name. Columns hold 64-bit integers,
// float64 or UTF-8 text of a fixed length padded with zero bytes: no bool, enum, compound or variable-length data
// (except the references that dimension scales are made of). Whole texts are scalar datasets at the root.
// Equal content gives equal bytes with one HDF5 and zlib library: no time stamps; columns of 64 KiB and more are
// chunked, shuffled and deflated, smaller ones and numbers that deflate would not shrink by a fifth are contiguous.
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace unroll::hdf5 {

using ColumnValues = std::variant<std::vector<std::int64_t>, std::vector<double>, std::vector<std::string>>;

struct TableColumn {
  std::string name;
  ColumnValues values;
  std::string units;  // "1" for none
  std::string long_name;
  std::size_t text_size = 0;                      // bytes of a text element; a longer text is an error
  std::map<std::string, std::string> attributes;  // further text attributes
};

[[nodiscard]] std::size_t num_rows(const TableColumn& column);

struct Table {
  std::string name;
  std::string long_name;
  std::vector<TableColumn> columns;  // of one length
  bool has_scale = true;             // the dimension scale `row` that netCDF-4 readers look for
  [[nodiscard]] std::size_t num_rows() const;
  /// nullptr when there is no such column.
  [[nodiscard]] const TableColumn* find(std::string_view column) const;
};

struct TableFile {
  std::map<std::string, std::string> attributes;  // of the root
  std::vector<Table> tables;
  std::map<std::string, std::string> texts;  // scalar datasets of any length
  [[nodiscard]] const Table* find(std::string_view table) const;
};

[[nodiscard]] std::vector<std::byte> to_image(const TableFile& file);
/// Checked as arrays.hpp says; UsageError names file, table and column.
[[nodiscard]] TableFile read_tables(const std::string& path);
/// Only columns that are wanted: what a summary of many rows has no use for is never read.
using ColumnFilter = std::function<bool(std::string_view table, std::string_view column)>;
[[nodiscard]] TableFile read_tables(const std::string& path, const ColumnFilter& is_wanted);
[[nodiscard]] TableFile tables_from_image(const std::vector<std::byte>& image, const std::string& name);
[[nodiscard]] TableFile tables_from_image(const std::vector<std::byte>& image, const std::string& name,
                                          const ColumnFilter& is_wanted);

}  // namespace unroll::hdf5
