#include "unroll/config/changes.hpp"

#include <algorithm>
#include <vector>

#include "unroll/base/text.hpp"

namespace unroll::config {
namespace {

constexpr std::string_view kCell = "cell ";

struct Entry {
  std::string_view key;
  std::vector<std::string> before, after;  // values, each once
};

using Side = std::vector<std::string> Entry::*;

class Entries {
 public:
  void add(std::string_view key, std::string value, Side side) {
    auto known = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) { return entry.key == key; });
    if (known == entries_.end()) {
      known = entries_.insert(entries_.end(), {key, {}, {}});
    }
    auto& values = (*known).*side;
    if (std::find(values.begin(), values.end(), value) == values.end()) {
      values.push_back(std::move(value));
    }
  }

  /// "cell key=value key=value": a value goes on to the next blank that a key follows.
  void add_cell(std::string_view line, Side side) {
    std::string_view key;
    std::string value;
    for (const std::string_view word : split(line.substr(kCell.size()), ' ')) {
      const std::size_t equals = word.find('=');
      if (equals == word.npos) {
        value += ' ' + std::string(word);
        continue;
      }
      if (!key.empty()) {
        add(key, value, side);
      }
      key = word.substr(0, equals);
      value = word.substr(equals + 1);
    }
    if (!key.empty()) {
      add(key, value, side);
    }
  }

  void read(std::string_view text, Side side) {
    for (const std::string_view line : split(text, '\n')) {
      const std::size_t equals = line.find('=');
      if (line.starts_with(kCell)) {
        add_cell(line, side);
      } else if (equals != line.npos) {
        add(line.substr(0, equals), std::string(line.substr(equals + 1)), side);
      }
    }
  }

  [[nodiscard]] const std::vector<Entry>& all() const { return entries_; }

 private:
  std::vector<Entry> entries_;
};

std::string shown(const std::vector<std::string>& values) {
  return values.empty() ? "not set" : printable(join(values, ", "));
}

}  // namespace

std::string changes(std::string_view before, std::string_view after, std::size_t most) {
  Entries entries;
  entries.read(before, &Entry::before);
  entries.read(after, &Entry::after);
  std::vector<std::string> parts;
  std::size_t num_more = 0;
  for (const Entry& entry : entries.all()) {
    if (entry.before == entry.after) {
      continue;
    }
    if (parts.size() == most) {
      ++num_more;
    } else {
      parts.push_back(printable(entry.key) + ": " + shown(entry.before) + " -> " + shown(entry.after));
    }
  }
  if (parts.empty() && before != after) {
    return "other combinations of the same values";
  }
  return join(parts, ", ") + (num_more > 0 ? " and " + std::to_string(num_more) + " more keys" : "");
}

}  // namespace unroll::config
