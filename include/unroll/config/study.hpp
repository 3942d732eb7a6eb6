#pragma once
// A study read from an INI file and --set options: seeds and the grid, expanded into cells of typed Settings.
// Pure after the file is read. Errors are UsageError: "FILE:LINE: train.lr = x: must be a finite number > 0; ...".
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "unroll/base/error.hpp"
#include "unroll/config/settings.hpp"

namespace unroll::config {

struct Axis {
  std::string key;
  std::vector<std::string> values;  // canonical
};

struct Study {
  std::string name;
  std::string file;                 // the config file, for messages
  std::vector<std::int64_t> seeds;  // ascending, unique
  std::vector<Axis> axes;           // in file order; a zip makes one axis of several keys (listed separately here)
  std::vector<Settings> cells;      // zip and exclude applied; first axis slowest
  /// "FILE:LINE" where a key was set, or "" (default): for messages about values that only later stages can judge.
  [[nodiscard]] std::string origin(const std::string& key) const;
  std::vector<std::pair<std::string, std::string>> origins;
};

/// The error for a value that only a later stage can judge: "FILE:LINE: key = value: message", on one line.
[[nodiscard]] UsageError bad_setting(const Study& study, std::string_view key, const Settings& cell,
                                     std::string_view message);

/// The same for what a reader said of the file that the key names. A message that opens with a key of its own keeps it:
/// "FILE:LINE: data.train_size = 9: must be ...".
[[nodiscard]] UsageError bad_file(const Study& study, std::string_view key, const Settings& cell,
                                  const UsageError& error);

/// The largest grid (before study.exclude), number of runs (cells times seeds) and config file.
inline constexpr std::int64_t kMaxCells = 1'000'000;
inline constexpr std::int64_t kMaxRuns = 10'000'000;
inline constexpr std::int64_t kMaxFileBytes = 1 << 20;

/// Reads and validates; `set` holds the --set options ("key=value"), which replace the file's keys.
[[nodiscard]] Study read_study(const std::string& path, const std::vector<std::string>& set);

/// The scientific part of the study in canonical form: a line for the seeds, a line for each scientific key that all
/// cells share, a line for each cell with the keys that differ between cells. What a folder of results is compared with
/// when a study is resumed. Keys that do not act are left empty.
[[nodiscard]] std::string scientific_text(const Study& study);
[[nodiscard]] std::string operational_text(const Study& study);

}  // namespace unroll::config
