#pragma once
// Values as they are written: what separates them, and lists of whole numbers with ranges.
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace unroll::config {

/// The comma-separated values, trimmed; commas inside [ ] do not separate. An empty part stays empty (an error later).
[[nodiscard]] std::vector<std::string_view> split_values(std::string_view text);

/// Whole numbers and ranges "3", "0..9", in any order, each at most once and in [0, max]; returned ascending.
/// Parts are separated by the separator (',' or ' '). nullopt for anything else and for more than 1,000,000 numbers.
[[nodiscard]] std::optional<std::vector<std::int64_t>> parse_numbers(std::string_view text, char separator,
                                                                     std::int64_t max);

/// The items of "[a b c]", or the text itself as one item.
[[nodiscard]] std::optional<std::vector<std::string_view>> parse_items(std::string_view text);

}  // namespace unroll::config
