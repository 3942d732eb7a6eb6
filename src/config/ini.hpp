#pragma once
// The settings as they were written, each with its place: an INI file read by Boost.Program_options, which gives no
// line numbers (so a map of our own is kept beside it), and --set options.
#include <string>
#include <string_view>
#include <vector>

namespace unroll::config {

struct Entry {
  std::string key;    // "train.lr"
  std::string value;  // trimmed, not empty
  std::string place;  // "FILE:LINE" or "--set"
};

/// Keys of [study]; zip and exclude may be given several times.
inline constexpr std::string_view kStudyKeys[] = {"study.name", "study.seeds", "study.zip", "study.exclude"};
[[nodiscard]] bool is_repeatable(std::string_view key);

/// The file's entries in its order; a --set option takes the place of the file's entries of its key, or comes last.
/// UsageError: a file that cannot be read or is no INI text, an unknown key, a key given twice, an empty value.
[[nodiscard]] std::vector<Entry> read_entries(const std::string& path, const std::vector<std::string>& set);

}  // namespace unroll::config
