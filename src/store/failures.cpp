#include "unroll/store/failures.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <map>
#include <optional>

#include "journal.hpp"
#include "shard.hpp"
#include "unroll/base/text.hpp"
#include "unroll/store/attempt.hpp"

namespace unroll::store {
namespace {

constexpr std::size_t kMaxReason = 250;
constexpr std::string_view kFailed = "failed", kEnded = "ended", kForgotten = "forgotten";
// In the place of a log's name, which is none: that has a dot.
constexpr std::string_view kAttempts = "attempts";

std::string checked(const std::string& text) {
  char crc[16];
  std::snprintf(crc, sizeof crc, " %08x", crc32(text));
  return '\n' + text + crc + '\n';
}

/// The text of a line whose CRC-32 fits.
std::optional<std::string_view> verified(std::string_view line) {
  const std::size_t blank = line.rfind(' ');
  if (blank == line.npos) {
    return std::nullopt;
  }
  char crc[16];
  std::snprintf(crc, sizeof crc, "%08x", crc32(line.substr(0, blank)));
  return line.substr(blank + 1) == crc ? std::optional(line.substr(0, blank)) : std::nullopt;
}

std::vector<std::string> names(const std::string& folder) {
  std::vector<std::string> found;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(failures_folder(folder), error)) {
    const std::string name = entry.path().filename().string();
    if (is_plain_name(name)) {
      found.push_back(name);
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::string text_of(const std::string& folder, const std::string& name) {
  const auto bytes = read_file(failures_folder(folder) + '/' + name);
  return bytes ? std::string(reinterpret_cast<const char*>(bytes->data()), bytes->size()) : std::string();
}

/// Of each log, how many bytes are forgotten.
std::map<std::string, std::size_t> forgotten_sizes(const std::string& folder) {
  std::map<std::string, std::size_t> sizes;
  for (const std::string& name : names(folder)) {
    if (!name.ends_with(".txt")) {
      continue;
    }
    const std::string text = text_of(folder, name);
    for (const std::string_view line : split(text, '\n')) {
      const auto record = verified(line);
      const auto fields = record ? split(*record, ' ') : std::vector<std::string_view>();
      if (fields.size() == 3 && fields[0] == kForgotten) {
        auto& size = sizes[std::string(fields[1])];
        size = std::max(size, static_cast<std::size_t>(parse_integer(fields[2]).value_or(0)));
      }
    }
  }
  return sizes;
}

}  // namespace

std::int64_t forgotten_attempts(const std::string& folder) {
  const auto sizes = forgotten_sizes(folder);
  const auto found = sizes.find(std::string(kAttempts));
  return found == sizes.end() ? 0 : static_cast<std::int64_t>(found->second);
}

std::string failures_folder(const std::string& folder) { return folder + "/failures"; }

std::string encode(std::span<const Failure> failures) {
  std::string text;
  for (const Failure& failure : failures) {
    text += checked(std::string(failure.is_final ? kEnded : kFailed) + ' ' + failure.id + ' ' +
                    printable(failure.reason, kMaxReason));
  }
  return text;
}

std::unordered_map<std::string, FailedRun> failed_runs(const std::string& folder) {
  const auto forgotten = forgotten_sizes(folder);
  std::unordered_map<std::string, FailedRun> runs;
  for (const std::string& name : names(folder)) {
    if (!name.ends_with(".log")) {
      continue;
    }
    const auto over = forgotten.find(name);
    const std::string text = text_of(folder, name);
    const std::size_t from = over == forgotten.end() ? 0 : std::min(over->second, text.size());
    for (const std::string_view line : split(std::string_view(text).substr(from), '\n')) {
      const auto record = verified(line);
      const std::string_view kind = record ? record->substr(0, record->find(' ')) : "";
      if ((kind != kFailed && kind != kEnded) || kind.size() == record->size()) {
        continue;
      }
      const std::string_view rest = record->substr(kind.size() + 1);
      const std::size_t blank = std::min(rest.find(' '), rest.size());
      FailedRun& run = runs[std::string(rest.substr(0, blank))];
      ++run.num_failures;
      run.is_final = run.is_final || kind == kEnded;
      run.reason = rest.substr(std::min(blank + 1, rest.size()));
    }
  }
  return runs;
}

std::unordered_map<std::string, FailedRun> forget_failures(const std::string& folder) {
  auto runs = failed_runs(folder);
  const std::int64_t newest = newest_attempt(folder);
  if (runs.empty() && newest == forgotten_attempts(folder)) {
    return runs;
  }
  std::string text = checked(std::string(kForgotten) + ' ' + std::string(kAttempts) + ' ' + std::to_string(newest));
  for (const std::string& name : names(folder)) {
    if (name.ends_with(".log")) {
      text += checked(std::string(kForgotten) + ' ' + name + ' ' + std::to_string(text_of(folder, name).size()));
    }
  }
  FileDoor door;
  door.make_folders(failures_folder(folder));
  std::error_code error;
  std::string path;
  for (int number = 1; path.empty() || std::filesystem::exists(path, error); ++number) {
    path = failures_folder(folder) + "/forgotten-" + std::to_string(number) + ".txt";
  }
  door.replace(path, text);
  return runs;
}

}  // namespace unroll::store
