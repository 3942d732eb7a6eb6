// Attempts: no result is in them, so whatever is wrong there is a note.
#include <chrono>
#include <filesystem>
#include <set>

#include "attempt_files.hpp"
#include "check_findings.hpp"
#include "shard.hpp"
#include "unroll/base/text.hpp"
#include "unroll/base/wording.hpp"
#include "unroll/store/events.hpp"
#include "unroll/store/outcome.hpp"

namespace unroll::store {
namespace {

namespace fs = std::filesystem;

constexpr double kAheadLimit_s = kMissedHeartbeats * kHeartbeat_s;  // clocks of machines differ by less

/// "r00000-a0003-...": 3; 0 for any other name.
std::int64_t attempt_in_name(std::string_view name) {
  const std::size_t at = name.find("-a");
  const std::string_view digits = at == name.npos ? "" : name.substr(at + 2);
  return parse_integer(digits.substr(0, digits.find_first_not_of("0123456789"))).value_or(0);
}

class Look {
 public:
  Look(const std::string& folder, std::int64_t number, Findings& findings)
      : folder_(folder), number_(number), findings_(findings) {}

  void owner() {
    const auto bytes = read_file(path("owner"));
    if (!bytes) {
      say("owner", std::string("is missing") + kJudged);
    } else if (!decode_owner({reinterpret_cast<const char*>(bytes->data()), bytes->size()})) {
      say("owner", std::string("is damaged") + kJudged);
    }
  }

  void heartbeat() {
    std::error_code error;
    const auto size = fs::file_size(path("heartbeat"), error);
    const double now_s = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
    if (error) {
      say("heartbeat", "is missing; the age of the owner record counts");
    } else if (size > 0) {
      say("heartbeat", "holds " + counted(static_cast<std::int64_t>(size), "byte") + ", and never should; only its " +
                           "time counts");
    } else if (modified_s(path("heartbeat")).value_or(0) > now_s + kAheadLimit_s) {
      say("heartbeat", "is of a time to come; the attempt counts as dead");
    }
  }

  void events() {
    std::error_code error;
    if (!fs::is_directory(path("events"), error)) {
      say("events", "is missing; what its ranks did cannot be shown");
    }
    for (const int rank : ranks_with_events(folder_, number_)) {
      std::size_t num_bad = 0;
      (void)read_events(folder_, number_, rank, &num_bad);
      if (num_bad > 0) {
        say("events/r" + std::to_string(rank) + ".log",
            counted(static_cast<std::int64_t>(num_bad), "line") + " damaged, and skipped");
      }
    }
  }

  /// Each line stands between two line ends, so a torn one spoils no other.
  void outcome() {
    const auto bytes = read_file(path("outcome"));
    if (!bytes) {
      return;  // at work, or it died without a word
    }
    const std::string_view text(reinterpret_cast<const char*>(bytes->data()), bytes->size());
    bool is_whole = text.ends_with('\n');
    for (const std::string_view line : split(text, '\n')) {
      is_whole = is_whole && (line.empty() || read_outcome(line));
    }
    if (!is_whole) {
      say("outcome", "is damaged; its last whole line counts as how the attempt ended");
    }
  }

 private:
  static constexpr const char* kJudged = "; whether that attempt lives is told by its outcome and heartbeat alone";
  [[nodiscard]] std::string path(const std::string& file) const {
    return attempt_folder(folder_, number_) + '/' + file;
  }
  void say(const std::string& file, const std::string& what) {
    findings_.add(Severity::note, "attempts/" + std::to_string(number_) + '/' + file + ": " + what +
                                      "; nothing to do: no result is in it");
  }

  const std::string& folder_;
  std::int64_t number_;
  Findings& findings_;
};

}  // namespace

void check_attempts(const std::string& folder, Findings& findings) {
  std::set<std::int64_t> numbers, missing;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(attempts_folder(folder), error)) {
    const std::string name = entry.path().filename().string();
    const auto number = parse_integer(name);
    if (number && *number > 0 && entry.is_directory(error)) {
      numbers.insert(*number);
    } else if (!name.starts_with(".tmp-")) {
      findings.add(Severity::note, "attempts/" + printable(name, 100) + ": is no attempt; nothing to do");
    }
  }
  for (const std::string& name : sorted_files(folder + "/journal", ".log")) {
    const std::int64_t number = attempt_in_name(name);
    if (number > 0 && !numbers.contains(number) && missing.insert(number).second) {
      findings.add(Severity::note, "attempts/" + std::to_string(number) + ": is missing, though journal/" + name +
                                       " is of it; nothing to do: no result was in it");
    }
  }
  for (const std::int64_t number : numbers) {
    Look look(folder, number, findings);
    look.owner();
    look.heartbeat();
    look.events();
    look.outcome();
  }
}

}  // namespace unroll::store
