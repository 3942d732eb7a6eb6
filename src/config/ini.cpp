#include "ini.hpp"

#include <algorithm>
#include <boost/program_options.hpp>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "unroll/base/error.hpp"
#include "unroll/base/text.hpp"
#include "unroll/config/keys.hpp"
#include "unroll/config/study.hpp"

namespace unroll::config {
namespace {

namespace options = boost::program_options;

std::string read_file(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    throw UsageError(printable(path, 4096) + ": is a folder, not a config file");
  }
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    throw UsageError(printable(path, 4096) + ": cannot be opened: " + std::strerror(errno));
  }
  std::string text(kMaxFileBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) {
    throw UsageError(printable(path, 4096) + ": cannot be read: " + std::strerror(errno));
  }
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (std::ssize(text) > kMaxFileBytes) {
    throw UsageError(printable(path, 4096) + ": is larger than " + std::to_string(kMaxFileBytes) +
                     " bytes: not a config file");
  }
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  return text.starts_with(kByteOrderMark) ? text.substr(kByteOrderMark.size()) : text;
}

/// Plain text without control characters; throws naming the place.
void check_text(std::string_view line, const std::string& place) {
  const auto is_control = [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7F; };
  if (std::any_of(line.begin(), line.end(), is_control)) {
    throw UsageError(place + ": holds a control character (such as NUL): a config file is plain text");
  }
  if (!is_utf8(line)) {
    throw UsageError(place + ": is not UTF-8: save the config file as UTF-8 text");
  }
}

/// The line without its comment. '#' or ';' starts one at the start of a line or after a blank.
std::string_view without_comment(std::string_view line, const std::string& place) {
  const std::size_t at = line.find_first_of("#;");
  if (at == std::string_view::npos) {
    return trim(line);
  }
  if (at > 0 && line[at - 1] != ' ' && line[at - 1] != '\t') {
    throw UsageError(place + ": " + printable(trim(line)) + ": put a blank before " + line[at] +
                     " where a comment starts; a value cannot hold this character");
  }
  return trim(line.substr(0, at));
}

std::string suggestion(std::string_view key) {
  std::vector<std::string_view> names(std::begin(kStudyKeys), std::end(kStudyKeys));
  std::transform(keys().begin(), keys().end(), std::back_inserter(names), [](const Key& k) { return k.name; });
  const std::string name = nearest(key, names, std::max<std::size_t>(3, key.size() / 3));
  return name.empty() ? "unroll keys lists them" : "did you mean " + name + "?";
}

void check_known(std::string_view key, const std::string& place) {
  const bool known =
      find_key(key) != nullptr || std::find(std::begin(kStudyKeys), std::end(kStudyKeys), key) != std::end(kStudyKeys);
  if (!known) {
    throw UsageError(place + ": " + printable(key) + ": unknown key; " + suggestion(key));
  }
}

void check_not_empty(const Entry& entry) {
  if (entry.value.empty()) {
    throw UsageError(entry.place + ": " + entry.key + ": has no value; give one or remove the key");
  }
}

/// One section header or key = value line: our own reading of the same grammar, for places and better messages.
class LineReader {
 public:
  LineReader(const std::string& path, std::string_view text) {
    std::int64_t number = 0;
    for (const std::string_view line : split(text, '\n')) {
      read_line(line.ends_with('\r') ? line.substr(0, line.size() - 1) : line,
                printable(path, 4096) + ':' + std::to_string(++number));
    }
  }
  [[nodiscard]] const std::string& clean_text() const { return clean_text_; }
  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }

 private:
  void read_line(std::string_view raw, const std::string& place) {
    check_text(raw, place);
    const std::string_view line = without_comment(raw, place);
    if (line.starts_with('[') && line.find('=') == std::string_view::npos) {
      read_section(line, place);
    } else if (!line.empty()) {
      read_entry(line, place);
    }
    clean_text_ += line;
    clean_text_ += '\n';
  }

  void read_section(std::string_view line, const std::string& place) {
    const std::string_view name = line.substr(1, line.size() - 2);
    const bool known = line.ends_with(']') && line.size() > 2 &&
                       (name == "study" || std::any_of(keys().begin(), keys().end(), [&](const Key& key) {
                          return key.name.starts_with(std::string(name) + '.');
                        }));
    if (!known) {
      throw UsageError(place + ": " + printable(line) +
                       ": must be a section: [study], [data], [model], [seed], [init], [order], [pretrain], [train], "
                       "[loss], [forget], [retrain], [unlearn], [measure], [output] or [run]");
    }
    section_ = std::string(name) + '.';
  }

  void read_entry(std::string_view line, const std::string& place) {
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos || trim(line.substr(0, equals)).empty()) {
      throw UsageError(place + ": " + printable(line) + ": must be key = value or [section]");
    }
    const std::string key = section_ + std::string(trim(line.substr(0, equals)));
    check_known(key, place);
    entries_.push_back({key, std::string(trim(line.substr(equals + 1))), place});
    check_not_empty(entries_.back());
  }

  std::string section_;
  std::string clean_text_;
  std::vector<Entry> entries_;
};

options::options_description registered_options() {
  options::options_description description;
  for (const std::string_view name : kStudyKeys) {
    description.add_options()(std::string(name).c_str(), options::value<std::vector<std::string>>());
  }
  for (const Key& key : keys()) {
    description.add_options()(std::string(key.name).c_str(), options::value<std::string>());
  }
  return description;
}

std::vector<Entry> parse(const std::string& path, const std::string& text) {
  const LineReader lines(path, text);
  std::vector<Entry> entries = lines.entries();
  try {
    std::istringstream stream(lines.clean_text());
    const auto parsed = options::parse_config_file(stream, registered_options());
    if (parsed.options.size() != entries.size()) {
      throw UsageError(printable(path, 4096) + ": cannot be read as an INI file");
    }
    for (std::size_t i = 0; i < entries.size(); ++i) {
      entries[i].key = parsed.options[i].string_key;
      entries[i].value = parsed.options[i].value.at(0);
    }
  } catch (const options::error& error) {
    throw UsageError(printable(path, 4096) + ": " + printable(error.what(), 400));
  }
  return entries;
}

Entry parse_set(const std::string& option) {
  check_text(option, "--set " + printable(option));
  const std::size_t equals = option.find('=');
  if (equals == std::string::npos) {
    throw UsageError("--set " + printable(option) + ": must be --set key=value");
  }
  Entry entry{std::string(trim(option.substr(0, equals))), std::string(trim(option.substr(equals + 1))), "--set"};
  check_known(entry.key, entry.place);
  check_not_empty(entry);
  return entry;
}

void check_given_once(const std::vector<Entry>& entries) {
  for (auto entry = entries.begin(); entry != entries.end(); ++entry) {
    const auto first = std::find_if(entries.begin(), entry, [&](const Entry& e) { return e.key == entry->key; });
    if (first != entry && !is_repeatable(entry->key)) {
      throw UsageError(entry->place + ": " + entry->key + " = " + printable(entry->value) + ": was already set at " +
                       first->place + "; write each key once (several values: separated by commas)");
    }
  }
}

}  // namespace

bool is_repeatable(std::string_view key) { return key == "study.zip" || key == "study.exclude"; }

std::vector<Entry> read_entries(const std::string& path, const std::vector<std::string>& set) {
  std::vector<Entry> entries = parse(path, read_file(path));
  check_given_once(entries);
  std::vector<Entry> replacements;
  std::transform(set.begin(), set.end(), std::back_inserter(replacements), parse_set);
  check_given_once(replacements);
  if (entries.empty() && replacements.empty()) {
    throw UsageError(printable(path, 4096) + ": sets no key: an empty study");
  }

  for (auto& entry : entries) {
    const auto same = [&](const Entry& e) { return e.key == entry.key; };
    const auto found = std::find_if(replacements.begin(), replacements.end(), same);
    if (found == replacements.end()) {
      continue;
    }
    if (is_repeatable(entry.key)) {
      entry.key.clear();  // all of them are replaced, by those appended below
    } else {
      entry = *found;
      replacements.erase(found);
    }
  }
  std::erase_if(entries, [](const Entry& entry) { return entry.key.empty(); });
  entries.insert(entries.end(), replacements.begin(), replacements.end());
  return entries;
}

}  // namespace unroll::config
