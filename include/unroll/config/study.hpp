#pragma once
// A study read from an INI file and --set options: seeds and the grid, expanded into cells of typed Settings.
// Pure after the file is read. Errors are UsageError: "FILE:LINE: train.lr = x: must be a number > 0; ...".
#include <cstdint>
#include <string>
#include <vector>

#include "unroll/config/settings.hpp"

namespace unroll::config {

struct Axis {
  std::string key;
  std::vector<std::string> values;  // canonical
};

struct Study {
  std::string name;
  std::string file;                   // the config file, for messages
  std::vector<std::int64_t> seeds;    // ascending as written, unique
  std::vector<Axis> axes;             // in file order; a zip makes one axis of several keys (listed separately here)
  std::vector<Settings> cells;        // zip and exclude applied; first axis slowest
  /// "FILE:LINE" where a key was set, or "" (default): for messages about values that only later stages can judge.
  [[nodiscard]] std::string origin(const std::string& key) const;
  std::vector<std::pair<std::string, std::string>> origins;
};

/// Reads and validates; `set` holds the --set options ("key=value"), which replace the file's keys.
[[nodiscard]] Study read_study(const std::string& path, const std::vector<std::string>& set);

/// The scientific part of the study in canonical form (seeds, then every cell's scientific keys): what a folder of
/// results is compared with when a study is resumed.
[[nodiscard]] std::string scientific_text(const Study& study);
[[nodiscard]] std::string operational_text(const Study& study);

}  // namespace unroll::config
