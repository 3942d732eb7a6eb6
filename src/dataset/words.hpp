#pragma once
// Words of a text, hashed into columns. A word is the longest run of ASCII letters, digits and bytes above 127 (UTF-8
// beyond ASCII), with single apostrophes inside it; capitals of ASCII become small; words of one byte are left out. The
// line break "<br />" of the reviews separates words and is none. A word's column is FNV-1a (64 bits, Fowler, Noll and
// Vo) of its bytes, its upper half xored onto the lower one, modulo the number of columns; unsigned.
#include <cstdint>
#include <string_view>
#include <vector>

namespace unroll::dataset {

struct Term {
  std::uint16_t column = 0;
  std::uint8_t count = 0;  // 255: that many or more
};

class WordCounter {
 public:
  /// num_columns: 1 to 65,536.
  explicit WordCounter(std::size_t num_columns);

  /// Appends the text's terms, by column.
  void count(std::string_view text, std::vector<Term>& terms);

 private:
  void add(std::uint64_t hash);

  std::vector<std::uint8_t> counts_;    // by column; all 0 between two texts
  std::vector<std::uint16_t> columns_;  // those that are not 0
};

}  // namespace unroll::dataset
