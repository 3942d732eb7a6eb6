#include "unroll/store/events.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>

#include "attempt_files.hpp"
#include "shard.hpp"
#include "unroll/base/text.hpp"

namespace unroll::store {
namespace {

std::string events_folder(const std::string& folder, std::int64_t attempt) {
  return attempt_folder(folder, attempt) + "/events";
}

std::string log_path(const std::string& folder, std::int64_t attempt, int rank) {
  return events_folder(folder, attempt) + "/r" + std::to_string(rank) + ".log";
}

double now_s() { return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count(); }

}  // namespace

EventLog::EventLog(const std::string& folder, std::int64_t attempt, int rank) noexcept {
  try {
    file_ = door_.open_to_append(log_path(folder, attempt, rank));
  } catch (const std::exception&) {
    // Nobody can look on then; the study goes on.
  }
}

void EventLog::write(std::string_view kind, std::string_view text) noexcept {
  if (!file_) {
    return;
  }
  try {
    char time[32];
    std::snprintf(time, sizeof time, "%.3f ", now_s());
    std::string line = std::string(time) + std::string(kind) + ' ' + std::string(text);
    std::replace(line.begin(), line.end(), '\n', ' ');
    door_.note(file_, line + '\n');
  } catch (const std::exception&) {
    // Out of memory: what follows will say so.
  }
}

std::vector<int> ranks_with_events(const std::string& folder, std::int64_t attempt) {
  std::vector<int> ranks;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(events_folder(folder, attempt), error)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with('r') && name.ends_with(".log")) {
      if (const auto rank = parse_integer(std::string_view(name).substr(1, name.size() - 5)); rank && *rank >= 0) {
        ranks.push_back(static_cast<int>(*rank));
      }
    }
  }
  std::sort(ranks.begin(), ranks.end());
  return ranks;
}

std::vector<Event> read_events(const std::string& folder, std::int64_t attempt, int rank, std::size_t* num_bad) {
  std::vector<Event> events;
  std::size_t bad = 0;
  const auto bytes = read_file(log_path(folder, attempt, rank));
  if (!bytes) {
    return events;
  }
  const std::string_view text(reinterpret_cast<const char*>(bytes->data()), bytes->size());
  const std::size_t end = text.rfind('\n');  // what follows is being written
  for (const std::string_view line : split(text.substr(0, end == std::string_view::npos ? 0 : end), '\n')) {
    const std::size_t first = line.find(' '), second = line.find(' ', first + 1);
    const auto time_s = parse_real(line.substr(0, first));
    if (time_s && first != std::string_view::npos && second != std::string_view::npos) {
      events.push_back(
          {*time_s, std::string(line.substr(first + 1, second - first - 1)), std::string(line.substr(second + 1))});
    } else {
      bad += line.empty() ? 0 : 1;
    }
  }
  if (num_bad != nullptr) {
    *num_bad = bad;
  }
  return events;
}

std::string_view field(std::string_view text, std::string_view name) {
  for (std::size_t at = text.find(name); at != std::string_view::npos; at = text.find(name, at + 1)) {
    const std::size_t equals = at + name.size();
    if ((at == 0 || text[at - 1] == ' ') && equals < text.size() && text[equals] == '=') {
      const std::size_t end = text.find(' ', equals);
      return text.substr(equals + 1, end == std::string_view::npos ? end : end - equals - 1);
    }
  }
  return {};
}

}  // namespace unroll::store
