#include "unroll/hdf5/table_reader.hpp"

#include <map>

#include "table_read.hpp"
#include "unroll/base/error.hpp"

namespace unroll::hdf5 {

struct TableReader::State {
  ReadFile file;
  TableFile header;
  std::map<std::string, std::size_t, std::less<>> num_rows;
};

struct TableReader::Column::State {
  Dataset dataset;
  std::string place;  // for messages

  template <typename Read>
  auto read(const Read& rows) const {
    try {
      return rows();
    } catch (const Error& error) {
      throw UsageError(place + error.what());
    }
  }
};

TableReader::TableReader(const std::string& path) : state_(new State{ReadFile(path), {}, {}}) {
  std::map<std::string, std::size_t, std::less<>> num_rows;
  state_->header = read_header(
      state_->file, [](std::string_view, std::string_view) { return true; },
      [&](const Dataset& dataset, const std::string& table, TableColumn&) {
        num_rows[table] = dataset.num_elements();
      });
  state_->num_rows = std::move(num_rows);
}

TableReader::~TableReader() = default;
TableReader::Column::~Column() = default;
TableReader::Column::Column(Column&&) noexcept = default;
TableReader::Column::Column(std::unique_ptr<State> state) : state_(std::move(state)) {}

const TableFile& TableReader::header() const { return state_->header; }

std::size_t TableReader::num_rows(std::string_view table) const {
  if (state_->header.find(table) == nullptr) {
    throw UsageError(state_->file.name() + ": has no table '" + std::string(table) + "'");
  }
  const auto found = state_->num_rows.find(table);
  return found == state_->num_rows.end() ? 0 : found->second;
}

TableReader::Column TableReader::open(const std::string& table, const std::string& column) const {
  const std::string place = state_->file.name() + ": column '" + column + "' of table '" + table + "': ";
  try {
    const ObjectHandle group(check(H5Gopen2(state_->file.id(), table.c_str(), H5P_DEFAULT)));
    return Column(
        std::unique_ptr<Column::State>(new Column::State{open_column(group.get(), state_->file, column), place}));
  } catch (const UsageError&) {
    throw;
  } catch (const Error& error) {
    throw UsageError(place + error.what());
  }
}

ColumnValues TableReader::Column::read(std::size_t first_row, std::size_t num_rows) const {
  return state_->read([&] { return read_rows(state_->dataset, first_row, num_rows); });
}

std::vector<std::byte> TableReader::Column::read_bytes(std::size_t first_row, std::size_t num_rows) const {
  return state_->read([&] { return read_row_bytes(state_->dataset, first_row, num_rows); });
}

}  // namespace unroll::hdf5
