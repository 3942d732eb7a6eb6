#pragma once
// One column into a group: storage, values a slab at a time, attributes.
#include <cstddef>
#include <functional>
#include <string>

#include "library.hpp"
#include "unroll/hdf5/tables.hpp"

namespace unroll::hdf5 {

/// Where the values of a column come from.
struct ColumnSource {
  TypeHandle file_type;
  TypeHandle memory_type;
  std::size_t element_bytes = 0;
  std::size_t num_rows = 0;
  bool is_worth_deflating = true;
  /// Rows [begin, begin + count), valid until the next call.
  std::function<const void*(std::size_t begin, std::size_t count)> rows;
};

/// Of the column's own values, which must live as long.
[[nodiscard]] ColumnSource source_of(const TableColumn& column);
/// Texts by row; Error when one does not fit.
[[nodiscard]] ColumnSource text_source(const std::string& column, std::size_t text_size, std::size_t num_rows,
                                       std::function<const std::string&(std::size_t row)> text);

/// The column's values are not looked at.
ObjectHandle write_column(hid_t group, const TableColumn& column, const ColumnSource& source);

struct TableGroup {
  ObjectHandle group;
  ObjectHandle scale;  // none: a table without
};
[[nodiscard]] TableGroup make_table(hid_t file, const std::string& name, const std::string& long_name,
                                    std::size_t num_rows, bool has_scale);
/// Adds a column to it; Error when its length or name is not right.
void add_column(const TableGroup& table, const std::string& table_name, std::size_t num_rows, const TableColumn& column,
                const ColumnSource& source);

void write_text(hid_t file, const std::string& name, const std::string& text);

}  // namespace unroll::hdf5
