#pragma once
// A file of tables read piece by piece: for more rows than memory should hold. Everything is checked as in arrays.hpp;
// UsageError names the file, and the column where it is one's.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "unroll/hdf5/tables.hpp"

namespace unroll::hdf5 {

class TableReader {
 public:
  /// Reads all but the columns' values, and checks that no column is larger than the file can hold.
  explicit TableReader(const std::string& path);
  ~TableReader();
  TableReader(const TableReader&) = delete;
  TableReader& operator=(const TableReader&) = delete;

  /// Attributes, texts and tables as in read_tables; the columns hold no values, of the alternative that they have.
  [[nodiscard]] const TableFile& header() const;
  /// UsageError when there is no such table.
  [[nodiscard]] std::size_t num_rows(std::string_view table) const;

  /// One column, open. Pieces that are read in order, and begin at multiples of kPieceRows, are unpacked once.
  class Column {
   public:
    ~Column();
    Column(Column&&) noexcept;
    [[nodiscard]] ColumnValues read(std::size_t first_row, std::size_t num_rows) const;
    /// As they lie in the file: little-endian numbers of 8 bytes, texts padded with zero bytes.
    [[nodiscard]] std::vector<std::byte> read_bytes(std::size_t first_row, std::size_t num_rows) const;

   private:
    friend class TableReader;
    struct State;
    explicit Column(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
  };
  static constexpr std::size_t kPieceRows = 32 * 1024;
  [[nodiscard]] Column open(const std::string& table, const std::string& column) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace unroll::hdf5
