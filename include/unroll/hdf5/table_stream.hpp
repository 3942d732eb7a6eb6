#pragma once
// Tables that are written to disk column by column: for files of more rows than memory holds. The same format as
// tables.hpp, and the same bytes for the same calls. table_reader.hpp reads them so.
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "unroll/hdf5/tables.hpp"

namespace unroll::hdf5 {

/// A text column of few different values: row i is texts[codes[i]].
struct CodedTexts {
  std::vector<std::string> texts;
  std::vector<std::uint32_t> codes;
};

/// A new file; nothing is forced to disk. Throws Error, with errno as the system left it where a write failed.
class TableStream {
 public:
  explicit TableStream(const std::string& path);
  TableStream(TableStream&& other) noexcept;
  ~TableStream();

  /// Attributes and texts of the root: before any table.
  void root(const std::map<std::string, std::string>& attributes, const std::map<std::string, std::string>& texts);
  void table(const Table& table);
  /// A table whose columns follow, each of num_rows rows, until close_table().
  void open_table(const std::string& name, const std::string& long_name, std::size_t num_rows);
  void column(const TableColumn& column);
  /// The column's own values are not looked at.
  void column(const TableColumn& column, const CodedTexts& values);
  void close_table();
  /// All is written when this returns.
  void close();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace unroll::hdf5
