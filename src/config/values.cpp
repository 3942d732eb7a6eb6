#include "values.hpp"

#include <algorithm>

#include "unroll/base/text.hpp"

namespace unroll::config {
namespace {

constexpr std::size_t kMaxNumbers = 1'000'000;

struct Range {
  std::int64_t first = 0, last = 0;
};

std::optional<Range> parse_range(std::string_view text) {
  const std::size_t dots = text.find("..");
  const auto first = parse_integer(trim(text.substr(0, dots)));
  const auto last = dots == std::string_view::npos ? first : parse_integer(trim(text.substr(dots + 2)));
  if (!first || !last || *first > *last) {
    return std::nullopt;
  }
  return Range{*first, *last};
}

std::vector<std::string_view> split_at_blanks(std::string_view text) {
  std::vector<std::string_view> items;
  for (text = trim(text); !text.empty(); text = trim(text)) {
    const std::size_t size = std::min(text.find_first_of(" \t"), text.size());
    items.push_back(text.substr(0, size));
    text.remove_prefix(size);
  }
  return items;
}

}  // namespace

std::vector<std::string_view> split_values(std::string_view text) {
  std::vector<std::string_view> values;
  int depth = 0;
  std::size_t first = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    depth += text[i] == '[' ? 1 : text[i] == ']' ? -1 : 0;
    if (text[i] == ',' && depth <= 0) {
      values.push_back(trim(text.substr(first, i - first)));
      first = i + 1;
    }
  }
  values.push_back(trim(text.substr(first)));
  return values;
}

std::optional<std::vector<std::int64_t>> parse_numbers(std::string_view text, char separator, std::int64_t max) {
  std::vector<std::int64_t> numbers;
  for (const std::string_view part : separator == ' ' ? split_at_blanks(text) : split(text, separator)) {
    const auto range = parse_range(part);
    if (!range || range->first < 0 || range->last > max ||
        range->last - range->first >= static_cast<std::int64_t>(kMaxNumbers - numbers.size())) {
      return std::nullopt;
    }
    for (std::int64_t number = range->first; number <= range->last; ++number) {
      numbers.push_back(number);
    }
  }
  std::sort(numbers.begin(), numbers.end());
  if (numbers.empty() || std::adjacent_find(numbers.begin(), numbers.end()) != numbers.end()) {
    return std::nullopt;
  }
  return numbers;
}

std::optional<std::vector<std::string_view>> parse_items(std::string_view text) {
  if (text.empty() || (text.front() == '[') != (text.back() == ']')) {
    return std::nullopt;
  }
  if (text.front() != '[') {
    return std::vector<std::string_view>{text};
  }
  auto items = split_at_blanks(text.substr(1, text.size() - 2));
  if (items.empty()) {
    return std::nullopt;
  }
  return items;
}

}  // namespace unroll::config
