#pragma once
// Column makers: one line a column, from pointers to members. get and set are plain functions made by the compiler.
#include <string>
#include <type_traits>

#include "unroll/record/rows.hpp"

namespace unroll::record {

inline constexpr std::size_t kIdSize = 64;  // hexadecimal digits of SHA-256

template <typename Row, typename Value>
Value value_type_of(Value Row::*);

/// A member as it is: std::int64_t, double or (with its length in the file) std::string.
template <typename Row, auto Member>
constexpr Column<Row> column(std::string_view name, std::string_view units, std::string_view long_name,
                             std::size_t text_size = 0) {
  using Type = decltype(value_type_of(Member));
  return {name,
          units,
          long_name,
          +[](const Row& row) -> Type { return row.*Member; },
          +[](Row& row, const Value& value) { row.*Member = std::get<Type>(value); },
          text_size};
}

/// At most max_size bytes of UTF-8 text; a longer one ends in "...".
[[nodiscard]] std::string cut(const std::string& text, std::size_t max_size);

/// Free text, such as a reason: cut to its length rather than refused.
template <typename Row, auto Member, std::size_t Size>
constexpr Column<Row> free_text(std::string_view name, std::string_view long_name) {
  Column<Row> result = column<Row, Member>(name, "1", long_name, Size);
  result.get = +[](const Row& row) { return cut(row.*Member, Size); };
  return result;
}

}  // namespace unroll::record
