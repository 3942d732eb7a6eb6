#include "column_check.hpp"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "unroll/base/error.hpp"
#include "unroll/base/sha256.hpp"
#include "unroll/base/text.hpp"

namespace unroll::store {
namespace {

// The first row whose text is not UTF-8, or `rows`.
std::size_t first_bad_text(const std::vector<std::byte>& bytes, std::size_t text_size) {
  const std::size_t rows = bytes.size() / text_size;
  for (std::size_t row = 0; row < rows; ++row) {
    const char* begin = reinterpret_cast<const char*>(bytes.data()) + row * text_size;
    if (!is_utf8(std::string_view(begin, strnlen(begin, text_size)))) {
      return row;
    }
  }
  return rows;
}

}  // namespace

std::string column_problem(const hdf5::TableReader& reader, const hdf5::Table& table, const hdf5::TableColumn& column) {
  const std::string place = "column '" + column.name + "' of '" + table.name + "': ";
  const auto expected = column.attributes.find("sha256");
  if (expected == column.attributes.end()) {
    return place + "has no digest (attribute sha256)";
  }
  const hdf5::TableReader::Column open = reader.open(table.name, column.name);
  const std::size_t num_rows = reader.num_rows(table.name);
  Sha256 hash;
  for (std::size_t first = 0; first < num_rows; first += hdf5::TableReader::kPieceRows) {
    const std::size_t count = std::min(hdf5::TableReader::kPieceRows, num_rows - first);
    const std::vector<std::byte> bytes = open.read_bytes(first, count);
    hash.update(bytes);
    if (column.text_size > 0) {
      const std::size_t bad = first_bad_text(bytes, column.text_size);
      if (bad < count) {
        return place + "row " + std::to_string(first + bad) + " is not UTF-8";
      }
    }
  }
  return hash.hex_digest() == expected->second ? std::string() : place + "the values are not those of its digest";
}

void require_whole_columns(const hdf5::TableReader& reader, const hdf5::Table& table, const std::string& path) {
  for (const hdf5::TableColumn& column : table.columns) {
    const std::string problem = column_problem(reader, table, column);
    if (!problem.empty()) {
      throw UsageError(path + ": " + problem + "; write the file again with unroll merge, or fetch it again");
    }
  }
}

}  // namespace unroll::store
