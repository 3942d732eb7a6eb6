#include "unroll/config/study.hpp"

#include <algorithm>

#include "checks.hpp"
#include "codec.hpp"
#include "grid.hpp"
#include "ini.hpp"
#include "unroll/base/text.hpp"
#include "values.hpp"

namespace unroll::config {
namespace {

bool is_name(std::string_view text) {
  constexpr std::string_view kAllowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
  return !text.empty() && text.size() <= 64 && text.find_first_not_of(kAllowed) == std::string_view::npos;
}

void read_study_keys(const std::vector<Entry>& entries, Study& study) {
  for (const Entry& entry : entries) {
    if (entry.key == "study.name") {
      if (!is_name(entry.value)) {
        throw bad_entry(entry, "must be 1 to 64 letters, digits, dots, hyphens or underscores");
      }
      study.name = entry.value;
    } else if (entry.key == "study.seeds") {
      const auto seeds = parse_numbers(entry.value, ',', kMaxCount);
      if (!seeds) {
        throw bad_entry(entry,
                        "must be different whole numbers from 0 to 2147483647, such as 0..9 or 0, 3, 7..9 (at "
                        "most 1000000)");
      }
      study.seeds = *seeds;
    }
  }
}

/// Keys whose text differs between cells: those of axes, and those that act in some cells only.
std::vector<const Key*> varying_keys(const Study& study, KeyRole role) {
  std::vector<const Key*> varying;
  for (const Key& key : keys()) {
    const bool is_axis =
        std::any_of(study.axes.begin(), study.axes.end(), [&](const Axis& axis) { return axis.key == key.name; });
    const bool acts_first = key.acts.holds(study.cells[0]);
    const auto differs = [&](const Settings& cell) { return key.acts.holds(cell) != acts_first; };
    if (key.role == role && (is_axis || std::any_of(study.cells.begin(), study.cells.end(), differs))) {
      varying.push_back(&key);
    }
  }
  return varying;
}

std::string acting_text(const Key& key, const Settings& cell) {
  return std::string(key.name) + '=' + (key.acts.holds(cell) ? key.canonical(cell) : "");
}

/// A line for each key that all cells share, then a line for each cell with the others.
std::string text_of(const Study& study, KeyRole role) {
  const auto varying = varying_keys(study, role);
  std::string text;
  for (const Key& key : keys()) {
    if (key.role == role && std::find(varying.begin(), varying.end(), &key) == varying.end()) {
      text += acting_text(key, study.cells[0]) + '\n';
    }
  }
  if (!varying.empty()) {
    for (const Settings& cell : study.cells) {
      text += "cell";
      for (const Key* key : varying) {
        text += ' ' + acting_text(*key, cell);
      }
      text += '\n';
    }
  }
  return text;
}

}  // namespace

std::string Study::origin(const std::string& key) const {
  const auto found = std::find_if(origins.begin(), origins.end(), [&](const auto& item) { return item.first == key; });
  return found == origins.end() ? "" : found->second;
}

UsageError bad_setting(const Study& study, std::string_view key, const Settings& cell, std::string_view message) {
  const std::string origin = study.origin(std::string(key));
  const Key* known = find_key(key);
  std::string value = known != nullptr ? known->canonical(cell) : "";
  if (key == "study.seeds") {
    value = join(study.seeds, ", ");
  }
  return UsageError((origin.empty() ? printable(study.file, 4096) : origin) + ": " + std::string(key) + " = " +
                    printable(value.empty() ? "(unset)" : value) + (origin.empty() ? " (default)" : "") + ": " +
                    std::string(message));
}

UsageError bad_file(const Study& study, std::string_view key, const Settings& cell, const UsageError& error) {
  const std::string_view message = error.what();
  const std::string_view first_word = message.substr(0, message.find(' '));
  if (find_key(first_word) != nullptr) {
    const std::string origin = study.origin(std::string(first_word));
    return UsageError((origin.empty() ? printable(study.file, 4096) : origin) + ": " + std::string(message));
  }
  const std::string value = find_key(key)->canonical(cell) + ": ";
  return bad_setting(study, key, cell, message.starts_with(value) ? message.substr(value.size()) : message);
}

Study read_study(const std::string& path, const std::vector<std::string>& set) {
  const std::vector<Entry> entries = read_entries(path, set);
  Study study{"study", path, {0}, {}, {}, {}};
  for (const Entry& entry : entries) {
    study.origins.emplace_back(entry.key, entry.place);
  }
  read_study_keys(entries, study);
  check_alternatives(entries);
  Grid grid = expand(entries);
  study.axes = std::move(grid.axes);
  study.cells = std::move(grid.cells);
  for (Settings& cell : study.cells) {
    if (!cell.train.epochs && !cell.train.steps) {
      cell.train.epochs = 1;
    }
  }
  check_requirements(study);
  check_nothing_ignored(entries, study.cells);
  check_cells_differ(study);
  if (std::ssize(study.cells) * std::ssize(study.seeds) > kMaxRuns) {
    throw bad_setting(
        study, "study.seeds", study.cells[0],
        "with " + std::to_string(study.cells.size()) + " cells makes more than " + std::to_string(kMaxRuns) + " runs");
  }
  return study;
}

std::string scientific_text(const Study& study) {
  return "study.seeds=" + join(study.seeds, ", ") + '\n' + text_of(study, KeyRole::scientific);
}

std::string operational_text(const Study& study) {
  return "study.name=" + study.name + '\n' + text_of(study, KeyRole::operational);
}

}  // namespace unroll::config
