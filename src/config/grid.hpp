#pragma once
// The grid: axes as written, walked together where zipped, without what is excluded.
#include <cstdint>
#include <string>
#include <vector>

#include "ini.hpp"
#include "unroll/config/keys.hpp"
#include "unroll/config/settings.hpp"
#include "unroll/config/study.hpp"

namespace unroll::config {

/// "PLACE: key = value: message" for an entry.
[[nodiscard]] UsageError bad_entry(const Entry& entry, const std::string& message);

/// Reads one value of a key into settings; the error names the place and the range.
void read_value(const Key& key, const Entry& entry, std::string_view value, Settings& settings);

struct Grid {
  Settings base;  // keys with one value
  std::vector<Axis> axes;
  std::vector<Settings> cells;
};

/// Expands the entries. UsageError: a value out of range, a repeated value, zip and exclude that do not fit, a grid
/// larger than kMaxCells or empty.
[[nodiscard]] Grid expand(const std::vector<Entry>& entries);

}  // namespace unroll::config
