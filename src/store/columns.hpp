#pragma once
// From plain rows to columns and back, by the tables of record/rows.hpp.
#include <cmath>
#include <span>
#include <string>
#include <vector>

#include "unroll/base/error.hpp"
#include "unroll/hdf5/tables.hpp"
#include "unroll/record/rows.hpp"

namespace unroll::store {

/// SHA-256 of a column's values as they lie in the file: little-endian numbers, texts padded with zero bytes.
[[nodiscard]] std::string column_digest(const hdf5::TableColumn& column);

/// One NaN for all: its bits depend on how it came about, and files are compared as bytes.
inline double canonical(double value) { return std::isnan(value) ? record::kUndefined : value; }
inline std::int64_t canonical(std::int64_t value) { return value; }
inline std::string canonical(std::string value) { return value; }

template <typename Row>
hdf5::Table to_table(const std::string& name, const std::string& long_name,
                     std::span<const record::Column<Row>> columns, std::span<const Row* const> rows) {
  hdf5::Table table{name, long_name, {}};
  for (const record::Column<Row>& column : columns) {
    hdf5::ColumnValues values = std::visit(
        [&](auto get) -> hdf5::ColumnValues {
          std::vector<decltype(get(*rows.front()))> result;
          result.reserve(rows.size());
          for (const Row* row : rows) {
            result.push_back(canonical(get(*row)));
          }
          return result;
        },
        column.get);
    table.columns.push_back({std::string(column.name),
                             std::move(values),
                             std::string(column.units),
                             std::string(column.long_name),
                             column.text_size,
                             {}});
  }
  return table;
}

template <typename Row>
std::vector<Row> from_table(const hdf5::Table& table, std::span<const record::Column<Row>> columns) {
  std::vector<Row> rows(table.num_rows());
  for (const record::Column<Row>& column : columns) {
    const hdf5::TableColumn* stored = table.find(column.name);
    if (stored == nullptr || stored->values.index() != column.get.index()) {
      throw Error("table '" + table.name + "' has no column '" + std::string(column.name) + "' of the right type");
    }
    std::visit(
        [&](const auto& values) {
          for (std::size_t i = 0; i < rows.size(); ++i) {
            column.set(rows[i], record::Value(values[i]));
          }
        },
        stored->values);
  }
  return rows;
}

}  // namespace unroll::store
