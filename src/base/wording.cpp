#include "unroll/base/wording.hpp"

#include <cstdio>

#include "unroll/base/text.hpp"

namespace unroll {

std::string wrapped(const std::string& text, std::size_t width, std::size_t indent) {
  std::string lines, line;
  bool has_word = false;  // in this line
  bool is_first = true;
  for (const std::string_view word : split(text, ' ')) {
    if (has_word && line.size() + 1 + word.size() > width) {
      lines += line + '\n';
      line = std::string(indent, ' ') + std::string(word);
    } else {
      line += (is_first ? "" : " ") + std::string(word);
    }
    has_word = has_word || !word.empty();
    is_first = false;
  }
  return lines + line + '\n';
}

std::string counted(std::int64_t count, const std::string& noun) {
  return std::to_string(count) + ' ' + noun + (count == 1 ? "" : "s");
}

std::string rounded(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", value);
  return text;
}

}  // namespace unroll
