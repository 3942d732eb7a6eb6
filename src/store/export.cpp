#include "unroll/store/export.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <ostream>
#include <vector>

#include "column_check.hpp"
#include "schema.hpp"
#include "unroll/base/child.hpp"
#include "unroll/base/error.hpp"
#include "unroll/base/text.hpp"
#include "unroll/hdf5/table_reader.hpp"

namespace unroll::store {
namespace {

using hdf5::TableReader;

template <typename Number>
void append_number(std::string& out, Number value) {
  char text[32];
  const auto [end, error] = std::to_chars(text, text + sizeof text, value);
  out.append(text, end);
}

void append_csv_text(std::string& out, const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) {
    out += text;
    return;
  }
  out += '"';
  for (const char c : text) {
    out.append(c == '"' ? 2 : 1, c);
  }
  out += '"';
}

void append_value(std::string& out, ExportFormat format, const hdf5::ColumnValues& values, std::size_t row) {
  const bool is_json = format == ExportFormat::jsonl;
  if (const auto* integers = std::get_if<std::vector<std::int64_t>>(&values)) {
    append_number(out, (*integers)[row]);
  } else if (const auto* reals = std::get_if<std::vector<double>>(&values)) {
    const double value = (*reals)[row];
    if (is_json ? std::isfinite(value) : !std::isnan(value)) {
      append_number(out, value);
    } else if (is_json) {
      out += "null";
    }
  } else {
    const std::string& text = std::get<std::vector<std::string>>(values)[row];
    is_json ? void(out += json_string(text)) : append_csv_text(out, text);
  }
}

const hdf5::Table& find_table(const TableReader& reader, const std::string& path, const std::string& name) {
  const hdf5::Table* table = reader.header().find(name);
  if (table == nullptr) {
    std::vector<std::string> names;
    for (const hdf5::Table& there : reader.header().tables) {
      names.push_back(there.name);
    }
    throw UsageError("--table " + printable(name) + ": " + path + " has no such table; it has " + join(names, ", "));
  }
  return *table;
}

// What is to be true before a row is written.
void verify(const std::string& path, const std::string& name) {
  const TableReader reader(path);
  const FileKind kind = kind_of(reader.header(), path);
  const hdf5::Table& table = find_table(reader, path, name);
  const std::vector<std::string> problems = schema_problems(reader.header(), kind);
  if (!problems.empty()) {
    throw UsageError(path + ": " + problems.front() + "; see unroll check");
  }
  require_whole_columns(reader, table, path);
}

// One row as text; what stands before each value is made once.
class RowWriter {
 public:
  RowWriter(const hdf5::Table& table, ExportFormat format) : format_(format) {
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
      const std::string separator = i == 0 ? "" : ",";
      const std::string& name = table.columns[i].name;
      before_.push_back(format == ExportFormat::csv ? separator : (i == 0 ? "{" : ",") + json_string(name) + ":");
      header_ += separator;
      append_csv_text(header_, name);
    }
  }
  [[nodiscard]] std::string header() const { return format_ == ExportFormat::csv ? header_ + "\r\n" : ""; }
  void append(std::string& out, const std::vector<hdf5::ColumnValues>& columns, std::size_t row) const {
    for (std::size_t i = 0; i < columns.size(); ++i) {
      out += before_[i];
      append_value(out, format_, columns[i], row);
    }
    out += format_ == ExportFormat::csv ? "\r\n" : columns.empty() ? "{}\n" : "}\n";
  }

 private:
  ExportFormat format_;
  std::vector<std::string> before_;
  std::string header_;
};

}  // namespace

void export_table(const std::string& path, const std::string& name, ExportFormat format, std::ostream& out) {
  (void)in_child(path, limits_for(path), [&] {
    verify(path, name);
    return std::string();
  });
  const TableReader reader(path);
  const hdf5::Table& table = find_table(reader, path, name);
  const RowWriter writer(table, format);
  std::vector<TableReader::Column> open;
  for (const hdf5::TableColumn& column : table.columns) {
    open.push_back(reader.open(name, column.name));
  }
  out << writer.header();
  const std::size_t num_rows = reader.num_rows(name);
  std::string text;
  for (std::size_t first = 0; first < num_rows && out; first += TableReader::kPieceRows) {
    const std::size_t count = std::min(TableReader::kPieceRows, num_rows - first);
    std::vector<hdf5::ColumnValues> columns;
    for (const TableReader::Column& column : open) {
      columns.push_back(column.read(first, count));
    }
    for (std::size_t row = 0; row < count; ++row) {
      writer.append(text, columns, row);
      if (text.size() > (std::size_t{1} << 20) || row + 1 == count) {
        out << text;
        text.clear();
      }
    }
  }
}

}  // namespace unroll::store
