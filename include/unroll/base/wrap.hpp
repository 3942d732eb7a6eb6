#pragma once
#include <cstddef>
#include <string>

namespace unroll {

/// The text in lines of at most `width` characters (if no word is longer), broken at blanks; lines after the first
/// start with `indent` blanks. Ends with a line end.
[[nodiscard]] std::string wrapped(const std::string& text, std::size_t width, std::size_t indent);

}  // namespace unroll
