#include "unroll/base/wrap.hpp"

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

}  // namespace unroll
