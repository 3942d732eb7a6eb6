#pragma once
// Small text helpers shared by all modules. None depends on the locale.
#include <concepts>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace unroll {

/// The shortest decimal text that reads back to exactly this double ("0.1", "1e-05", "inf", "nan"); -0 gives "0".
[[nodiscard]] std::string shortest(double value);

/// "a, b, c" for separator ", ".
[[nodiscard]] std::string join(std::span<const std::string> parts, std::string_view separator);
[[nodiscard]] std::string join(std::span<const std::int64_t> parts, std::string_view separator);
[[nodiscard]] std::string join(std::span<const double> parts, std::string_view separator);

/// The parts between separators, at least one; parts are not trimmed.
[[nodiscard]] std::vector<std::string_view> split(std::string_view text, char separator);
/// The parts would outlive their text.
template <std::same_as<std::string> Text>
std::vector<std::string_view> split(Text&& text, char separator) = delete;

/// Without blanks (space, tab, carriage return, newline) at either end.
[[nodiscard]] std::string_view trim(std::string_view text);

/// The whole text as a number; nullopt for trailing junk, overflow, an empty text or a leading '+' or blank.
[[nodiscard]] std::optional<std::int64_t> parse_integer(std::string_view text);
[[nodiscard]] std::optional<double> parse_real(std::string_view text);

/// True for well-formed UTF-8 (no overlong forms, no surrogates, at most U+10FFFF).
[[nodiscard]] bool is_utf8(std::string_view text);

/// A JSON string with its quotes; control characters are escaped, bytes that are not UTF-8 become U+FFFD.
[[nodiscard]] std::string json_string(std::string_view text);
/// A JSON number; null for NaN and infinities, which JSON has not.
[[nodiscard]] std::string json_number(double value);

/// The text on one line of at most max_size bytes for messages: control characters become "?", the rest is cut ("...").
[[nodiscard]] std::string printable(std::string_view text, std::size_t max_size = 80);

/// The candidate with the least edit distance (insert, delete, replace, swap of neighbours); "" when the best one
/// differs in more than max_distance places.
[[nodiscard]] std::string nearest(std::string_view text, std::span<const std::string_view> candidates,
                                  std::size_t max_distance);

}  // namespace unroll
