#include "grid.hpp"

#include <algorithm>

#include "unroll/base/text.hpp"
#include "values.hpp"

namespace unroll::config {
namespace {

/// One axis as it was written, or several zipped ones: all have `size` values.
struct Dimension {
  std::vector<const Key*> keys;
  std::vector<const Entry*> entries;
  std::vector<std::vector<std::string>> values;  // canonical, of each key
  [[nodiscard]] std::size_t size() const { return values.front().size(); }
};

/// A cell is dropped when every condition holds: value index `value` in dimension `dimension`.
struct Exclusion {
  struct Condition {
    std::size_t dimension = 0, key = 0;
    std::string value;
  };
  const Entry* entry = nullptr;
  std::vector<Condition> conditions;
  bool used = false;
};

std::string canonical_value(const Key& key, const Entry& entry, std::string_view value) {
  Settings scratch;
  read_value(key, entry, value, scratch);
  return key.canonical(scratch);
}

Dimension read_axis(const Key& key, const Entry& entry, const std::vector<std::string_view>& values) {
  if (key.shape == KeyShape::scalar) {
    throw bad_entry(entry, "takes one value, not a list: it is no axis of the grid");
  }
  if (std::ssize(values) > kMaxCells) {
    throw bad_entry(entry, "has more than " + std::to_string(kMaxCells) + " values");
  }
  std::vector<std::string> canonical;
  for (const std::string_view value : values) {
    canonical.push_back(canonical_value(key, entry, value));
  }
  std::vector<std::string> sorted = canonical;
  std::sort(sorted.begin(), sorted.end());
  const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
  if (twice != sorted.end()) {
    throw bad_entry(entry, "has the value " + printable(*twice) + " twice; values of an axis must differ");
  }
  return {{&key}, {&entry}, {std::move(canonical)}};
}

struct Place {
  std::size_t dimension = 0, key = 0;
};

std::optional<Place> find_axis(const std::vector<Dimension>& dimensions, std::string_view name) {
  for (std::size_t d = 0; d < dimensions.size(); ++d) {
    for (std::size_t k = 0; k < dimensions[d].keys.size(); ++k) {
      if (dimensions[d].keys[k]->name == name) {
        return Place{d, k};
      }
    }
  }
  return std::nullopt;
}

/// Where an axis named by zip or exclude is; the error tells an unknown key from one that has one value.
Place require_axis(const std::vector<Dimension>& dimensions, std::string_view name, const Entry& entry) {
  const auto place = find_axis(dimensions, name);
  if (!place) {
    throw bad_entry(entry,
                    printable(name) + (find_key(name) == nullptr ? " is not a key" : " is not set to several values"));
  }
  return *place;
}

void apply_zip(std::vector<Dimension>& dimensions, const Entry& entry) {
  const auto names = split(entry.value, ',');
  if (names.size() < 2) {
    throw bad_entry(entry, "must name at least two keys that have several values, separated by a comma");
  }
  const std::size_t first = require_axis(dimensions, trim(names[0]), entry).dimension;
  if (dimensions[first].keys.size() > 1) {
    throw bad_entry(entry, printable(trim(names[0])) + " is already zipped");
  }
  Dimension zipped = dimensions[first];
  std::vector<std::size_t> absorbed;
  for (auto name = names.begin() + 1; name != names.end(); ++name) {
    const std::size_t at = require_axis(dimensions, trim(*name), entry).dimension;
    const Dimension& other = dimensions[at];
    if (at == first || other.keys.size() > 1 || std::find(absorbed.begin(), absorbed.end(), at) != absorbed.end()) {
      throw bad_entry(entry, printable(trim(*name)) + " is already zipped");
    }
    if (other.size() != zipped.size()) {
      throw bad_entry(entry, std::string(zipped.keys[0]->name) + " has " + std::to_string(zipped.size()) + " values, " +
                                 printable(trim(*name)) + " has " + std::to_string(other.size()) +
                                 "; zipped keys need equally many");
    }
    zipped.keys.push_back(other.keys[0]);
    zipped.entries.push_back(other.entries[0]);
    zipped.values.push_back(other.values[0]);
    absorbed.push_back(at);
  }
  absorbed.push_back(first);
  const std::size_t position = *std::min_element(absorbed.begin(), absorbed.end());
  dimensions[position] = std::move(zipped);
  std::sort(absorbed.begin(), absorbed.end(), std::greater<>{});
  for (const std::size_t at : absorbed) {
    if (at != position) {
      dimensions.erase(dimensions.begin() + static_cast<std::ptrdiff_t>(at));
    }
  }
}

Exclusion read_exclusion(const std::vector<Dimension>& dimensions, const Entry& entry) {
  Exclusion exclusion{&entry, {}, false};
  for (const std::string_view part : split(entry.value, '&')) {
    const std::size_t equals = part.find('=');
    if (equals == std::string_view::npos) {
      throw bad_entry(entry, "must be key=value & key=value");
    }
    const Place place = require_axis(dimensions, trim(part.substr(0, equals)), entry);
    const Dimension& dimension = dimensions[place.dimension];
    const auto& values = dimension.values[place.key];
    std::string value = canonical_value(*dimension.keys[place.key], entry, trim(part.substr(equals + 1)));
    if (std::find(values.begin(), values.end(), value) == values.end()) {
      throw bad_entry(entry, std::string(dimension.keys[place.key]->name) + " has no value " + printable(value) +
                                 "; it has " + printable(join(values, ", "), 200));
    }
    exclusion.conditions.push_back({place.dimension, place.key, std::move(value)});
  }
  return exclusion;
}

void check_size(const std::vector<Dimension>& dimensions) {
  std::int64_t num_cells = 1;
  for (const Dimension& dimension : dimensions) {
    const auto size = static_cast<std::int64_t>(dimension.size());
    if (size > kMaxCells / num_cells) {
      throw bad_entry(*dimension.entries[0], "makes a grid of more than " + std::to_string(kMaxCells) + " cells");
    }
    num_cells *= size;
  }
}

/// Walks the grid, first dimension slowest.
class Expansion {
 public:
  Expansion(const std::vector<Dimension>& dimensions, std::vector<Exclusion>& exclusions, std::vector<Settings>& cells)
      : dimensions_(dimensions), exclusions_(exclusions), cells_(cells), indices_(dimensions.size()) {}

  void walk(std::size_t depth, const Settings& settings) {
    if (depth == dimensions_.size()) {
      if (!is_excluded()) {
        cells_.push_back(settings);
      }
      return;
    }
    const Dimension& dimension = dimensions_[depth];
    for (indices_[depth] = 0; indices_[depth] < dimension.size(); ++indices_[depth]) {
      Settings next = settings;
      for (std::size_t k = 0; k < dimension.keys.size(); ++k) {
        dimension.keys[k]->read(dimension.values[k][indices_[depth]], next);
      }
      walk(depth + 1, next);
    }
  }

 private:
  bool is_excluded() {
    bool excluded = false;
    for (Exclusion& exclusion : exclusions_) {
      const bool matches = std::all_of(exclusion.conditions.begin(), exclusion.conditions.end(), [&](const auto& c) {
        return dimensions_[c.dimension].values[c.key][indices_[c.dimension]] == c.value;
      });
      exclusion.used |= matches;
      excluded |= matches;
    }
    return excluded;
  }

  const std::vector<Dimension>& dimensions_;
  std::vector<Exclusion>& exclusions_;
  std::vector<Settings>& cells_;
  std::vector<std::size_t> indices_;
};

}  // namespace

UsageError bad_entry(const Entry& entry, const std::string& message) {
  return UsageError(entry.place + ": " + entry.key + " = " + printable(entry.value) + ": " + message);
}

void read_value(const Key& key, const Entry& entry, std::string_view value, Settings& settings) {
  try {
    key.read(value, settings);
  } catch (const UsageError&) {
    const std::string shown = value.empty() ? "an empty value" : printable(value);
    const bool one_of_several = value != entry.value;
    throw bad_entry(entry, (one_of_several ? shown + " must be " : "must be ") + std::string(key.range));
  }
}

Grid expand(const std::vector<Entry>& entries) {
  Grid grid;
  std::vector<Dimension> dimensions;
  for (const Entry& entry : entries) {
    const Key* key = find_key(entry.key);
    if (key == nullptr) {
      continue;  // a key of [study]
    }
    const auto values = split_values(entry.value);
    if (key->shape == KeyShape::list || values.size() == 1) {
      read_value(*key, entry, entry.value, grid.base);
    } else {
      dimensions.push_back(read_axis(*key, entry, values));
    }
  }
  for (const Dimension& dimension : dimensions) {
    grid.axes.push_back({std::string(dimension.keys[0]->name), dimension.values[0]});
  }

  std::vector<Exclusion> exclusions;
  for (const Entry& entry : entries) {
    if (entry.key == "study.zip") {
      apply_zip(dimensions, entry);
    }
  }
  for (const Entry& entry : entries) {
    if (entry.key == "study.exclude") {
      exclusions.push_back(read_exclusion(dimensions, entry));
    }
  }
  check_size(dimensions);
  Expansion(dimensions, exclusions, grid.cells).walk(0, grid.base);

  for (const Exclusion& exclusion : exclusions) {
    if (!exclusion.used) {
      throw bad_entry(*exclusion.entry, "matches no cell of the grid");
    }
  }
  if (grid.cells.empty()) {
    throw bad_entry(*exclusions.back().entry, "leaves no cell: every cell of the grid is excluded");
  }
  return grid;
}

}  // namespace unroll::config
