#pragma once
// Words and figures as people read them in a terminal.
#include <cstddef>
#include <cstdint>
#include <string>

namespace unroll {

/// The text in lines of at most `width` characters (if no word is longer), broken at blanks; lines after the first
/// start with `indent` blanks. Ends with a line end.
[[nodiscard]] std::string wrapped(const std::string& text, std::size_t width, std::size_t indent);

/// "1 run", "2 runs".
[[nodiscard]] std::string counted(std::int64_t count, const std::string& noun);

/// Three significant digits.
[[nodiscard]] std::string rounded(double value);

}  // namespace unroll
