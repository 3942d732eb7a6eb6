#include "words.hpp"

#include <algorithm>
#include <array>

namespace unroll::dataset {
namespace {

constexpr std::uint64_t kHashStart = 0xCBF29CE484222325u;
constexpr std::uint64_t kHashFactor = 0x100000001B3u;
constexpr std::string_view kLineBreak = "<br />";

/// What a byte is inside a word: itself, a capital as the small letter; 0 where it ends the word.
constexpr std::array<std::uint8_t, 256> kInWord = [] {
  std::array<std::uint8_t, 256> table{};
  for (std::size_t byte = 0; byte < 256; ++byte) {
    const bool is_capital = byte >= 'A' && byte <= 'Z';
    const bool is_other = (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte > 127;
    table[byte] = static_cast<std::uint8_t>(is_capital ? byte - 'A' + 'a' : is_other ? byte : 0);
  }
  return table;
}();

std::uint8_t in_word(char byte) { return kInWord[static_cast<std::uint8_t>(byte)]; }

}  // namespace

WordCounter::WordCounter(std::size_t num_columns) : counts_(num_columns) {}

void WordCounter::add(std::uint64_t hash) {
  const auto column = static_cast<std::size_t>(((hash ^ (hash >> 32)) & 0xFFFFFFFFu) % counts_.size());
  if (counts_[column] == 0) {
    columns_.push_back(static_cast<std::uint16_t>(column));
  }
  counts_[column] = static_cast<std::uint8_t>(std::min(counts_[column] + 1, 255));
}

void WordCounter::count(std::string_view text, std::vector<Term>& terms) {
  for (std::size_t at = 0; at < text.size();) {
    if (in_word(text[at]) == 0) {
      at += text.substr(at).starts_with(kLineBreak) ? kLineBreak.size() : 1;
      continue;
    }
    const std::size_t begin = at;
    std::uint64_t hash = kHashStart;
    for (; at < text.size(); ++at) {
      const bool joins = text[at] == '\'' && at + 1 < text.size() && in_word(text[at + 1]) != 0;
      const std::uint8_t byte = joins ? std::uint8_t{'\''} : in_word(text[at]);
      if (byte == 0) {
        break;
      }
      hash = (hash ^ byte) * kHashFactor;
    }
    if (at - begin > 1) {
      add(hash);
    }
  }
  std::sort(columns_.begin(), columns_.end());
  for (const std::uint16_t column : columns_) {
    terms.push_back({column, counts_[column]});
    counts_[column] = 0;
  }
  columns_.clear();
}

}  // namespace unroll::dataset
