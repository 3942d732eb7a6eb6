#include "unroll/hdf5/table_stream.hpp"

#include <optional>

#include "column_write.hpp"

namespace unroll::hdf5 {
struct TableStream::State {
  FileHandle file;
  std::optional<TableGroup> group;  // that is open
  std::string name;
  std::size_t num_rows = 0;
};

TableStream::TableStream(const std::string& path) : state_(std::make_unique<State>()) {
  set_up();
  state_->file = create_file(path);
}
TableStream::TableStream(TableStream&& other) noexcept = default;
TableStream::~TableStream() = default;

void TableStream::root(const std::map<std::string, std::string>& attributes,
                       const std::map<std::string, std::string>& texts) {
  for (const auto& [name, text] : attributes) {
    write_attribute(state_->file.get(), name, text);
  }
  for (const auto& [name, text] : texts) {
    write_text(state_->file.get(), name, text);
  }
}

void TableStream::table(const Table& table) {
  open_table(table.name, table.long_name, table.num_rows());
  for (const TableColumn& one : table.columns) {
    column(one);
  }
  close_table();
}

void TableStream::open_table(const std::string& name, const std::string& long_name, std::size_t num_rows) {
  state_->group = make_table(state_->file.get(), name, long_name, num_rows, true);
  state_->name = name;
  state_->num_rows = num_rows;
}

void TableStream::column(const TableColumn& column) {
  add_column(*state_->group, state_->name, state_->num_rows, column, source_of(column));
}

void TableStream::column(const TableColumn& column, const CodedTexts& values) {
  const auto text = [&values](std::size_t row) -> const std::string& { return values.texts[values.codes[row]]; };
  add_column(*state_->group, state_->name, state_->num_rows, column,
             text_source(column.name, column.text_size, values.codes.size(), text));
}

void TableStream::close_table() { state_->group.reset(); }

void TableStream::close() {
  state_->group.reset();
  check(H5Fclose(state_->file.release()));
}

}  // namespace unroll::hdf5
