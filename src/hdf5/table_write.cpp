#include <algorithm>

#include "column_write.hpp"
#include "unroll/hdf5/tables.hpp"

namespace unroll::hdf5 {
namespace {

void write_table(hid_t file, const Table& table) {
  const TableGroup group = make_table(file, table.name, table.long_name, table.num_rows(), table.has_scale);
  for (const TableColumn& column : table.columns) {
    add_column(group, table.name, table.num_rows(), column, source_of(column));
  }
}

}  // namespace

std::size_t num_rows(const TableColumn& column) {
  return std::visit([](const auto& values) { return values.size(); }, column.values);
}

std::size_t Table::num_rows() const { return columns.empty() ? 0 : hdf5::num_rows(columns.front()); }

const TableColumn* Table::find(std::string_view column) const {
  const auto found = std::find_if(columns.begin(), columns.end(), [&](const auto& one) { return one.name == column; });
  return found == columns.end() ? nullptr : &*found;
}

const Table* TableFile::find(std::string_view table) const {
  const auto found = std::find_if(tables.begin(), tables.end(), [&](const auto& one) { return one.name == table; });
  return found == tables.end() ? nullptr : &*found;
}

std::vector<std::byte> to_image(const TableFile& file) {
  set_up();
  const MemoryFile memory;
  for (const auto& [name, text] : file.attributes) {
    write_attribute(memory.id(), name, text);
  }
  for (const auto& [name, text] : file.texts) {
    write_text(memory.id(), name, text);
  }
  for (const Table& table : file.tables) {
    write_table(memory.id(), table);
  }
  return memory.image();
}

}  // namespace unroll::hdf5
