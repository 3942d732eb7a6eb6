#include "reviews.hpp"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <vector>

#include "readers.hpp"
#include "tar.hpp"
#include "unroll/base/error.hpp"
#include "unroll/base/text.hpp"

namespace unroll::dataset {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxReviewBytes = std::size_t{1} << 20;
constexpr std::string_view kFolder = "aclImdb";

[[noreturn]] void refuse_name(const std::string& path, std::string_view name) {
  throw UsageError(path + ": '" + printable(name) +
                   "' must be named NUMBER_RATING.txt, such as 123_8.txt, with a rating of 1 to 10");
}

/// "123_8.txt".
std::uint32_t number_of(const std::string& path, std::string_view name) {
  constexpr std::string_view kEnd = ".txt";
  const auto bar = name.find('_');
  if (bar == std::string_view::npos || !name.ends_with(kEnd) || bar + 1 > name.size() - kEnd.size()) {
    refuse_name(path, name);
  }
  const auto number = parse_integer(name.substr(0, bar));
  const auto rating = parse_integer(name.substr(bar + 1, name.size() - kEnd.size() - bar - 1));
  constexpr std::int64_t kMaxNumber = 999'999'999;
  if (!number || *number < 0 || *number > kMaxNumber || !rating || *rating < 1 || *rating > 10) {
    refuse_name(path, name);
  }
  return static_cast<std::uint32_t>(*number);
}

bool is_hidden(std::string_view name) { return name.empty() || name.front() == '.'; }

/// Of an entry "[./][aclImdb/]PART/LABEL/NAME"; none for any other.
std::optional<ReviewPlace> place_of(const std::string& path, std::string_view entry) {
  std::vector<std::string_view> parts = split(entry, '/');
  for (const std::string_view leading : {std::string_view("."), kFolder}) {
    if (!parts.empty() && parts.front() == leading) {
      parts.erase(parts.begin());
    }
  }
  const auto is_one_of = [](std::string_view part, std::string_view a, std::string_view b) {
    return part == a || part == b;
  };
  if (parts.size() != 3 || !is_one_of(parts[0], "train", "test") || !is_one_of(parts[1], "neg", "pos") ||
      is_hidden(parts[2])) {
    return std::nullopt;
  }
  return ReviewPlace{parts[0] == "test", parts[1] == "pos", number_of(path, parts[2])};
}

void read_archive(const std::string& path, const VisitReview& visit) {
  TarReader archive(path);
  while (const auto entry = archive.next()) {
    const auto place = entry->name.ends_with('/') ? std::nullopt : place_of(path, entry->name);
    if (!place) {
      continue;
    }
    if (!entry->is_file || entry->size > kMaxReviewBytes) {
      throw UsageError(path + ": '" + printable(entry->name) + "' must be a file of at most " +
                       std::to_string(kMaxReviewBytes) + " bytes");
    }
    visit(*place, archive.content());
  }
}

void read_part(const fs::path& folder, ReviewPlace place, const VisitReview& visit) {
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (is_hidden(name)) {
      continue;
    }
    place.number = number_of(folder.string(), name);
    std::error_code missing;
    if (!entry->is_regular_file(missing)) {
      throw UsageError(entry->path().string() + ": must be a file");
    }
    const auto bytes = read_bytes(entry->path().string(), kMaxReviewBytes);
    visit(place, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }
  if (error) {
    throw UsageError(folder.string() + ": cannot be read: " + error.message() +
                     "; data.dataset = imdb needs train/neg, train/pos, test/neg and test/pos in its folder");
  }
}

}  // namespace

void read_reviews(const std::string& path, const VisitReview& visit) {
  std::error_code error;
  if (!fs::is_directory(path, error)) {
    read_archive(path, visit);
    return;
  }
  const bool is_above = !fs::exists(fs::path(path) / "train", error) && fs::exists(fs::path(path) / kFolder, error);
  const fs::path root = is_above ? fs::path(path) / kFolder : fs::path(path);
  for (const bool is_test : {false, true}) {
    for (const bool is_positive : {false, true}) {
      read_part(root / (is_test ? "test" : "train") / (is_positive ? "pos" : "neg"), {is_test, is_positive, 0}, visit);
    }
  }
}

}  // namespace unroll::dataset
