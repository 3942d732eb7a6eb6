// An attempt as others see it: is it at work, has it ended, is it dead?
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <random>

#include "attempt_files.hpp"
#include "shard.hpp"
#include "unroll/base/text.hpp"

namespace unroll::store {
namespace {

std::optional<std::string> read_text(const std::string& path) {
  const auto bytes = read_file(path);
  return bytes ? std::optional(std::string(reinterpret_cast<const char*>(bytes->data()), bytes->size())) : std::nullopt;
}

std::string outcome_path(const std::string& folder, std::int64_t number) {
  return attempt_folder(folder, number) + "/outcome";
}

/// Of its heartbeat; where that was lost, of what else says when it was there.
double last_sign_s(const std::string& folder, std::int64_t number) {
  for (const char* file : {"/heartbeat", "/owner", ""}) {
    if (const auto time_s = modified_s(attempt_folder(folder, number) + file)) {
      return *time_s;
    }
  }
  return 0;
}

std::string seconds_text(double seconds) {
  char text[32];
  std::snprintf(text, sizeof text, seconds < 10 ? "%.2g s" : "%.0f s", std::max(0.0, seconds));
  return text;
}

bool is_same_job(const Owner& a, const Owner& b) {
  return !a.job_id.empty() && a.job_id == b.job_id && a.cluster == b.cluster;
}

void judge(AttemptState& state, const Owner& self) {
  state.life = Life::dead;
  const double limit_s = kMissedHeartbeats * (state.owner ? state.owner->heartbeat_s : self.heartbeat_s);
  const std::string heartbeat = "its last heartbeat was " + seconds_text(state.heartbeat_age_s) + " ago" +
                                (state.owner ? "" : " (its owner record is missing or damaged)");
  if (!state.outcome.empty()) {
    state.life = Life::ended;
    state.why = "it ended: " + state.outcome;
  } else if (state.owner && is_gone(*state.owner, self)) {
    state.why = "process " + std::to_string(state.owner->pid) + " on host " + state.owner->host + " is gone";
  } else if (state.owner && is_same_job(*state.owner, self) && state.owner->restarts < self.restarts) {
    state.why = "Slurm has started job " + self.job_id + " again";
  } else if (std::abs(state.heartbeat_age_s) > limit_s) {  // one from the future is of no living owner either
    state.why = heartbeat;
  } else if (state.owner && slurm_says_ended(*state.owner, self)) {
    state.why = "Slurm says that job " + state.owner->job_id + " has ended";
  } else {
    state.life = Life::alive;
    state.why = heartbeat;
  }
}

}  // namespace

std::string attempts_folder(const std::string& folder) { return folder + "/attempts"; }
std::string attempt_folder(const std::string& folder, std::int64_t number) {
  return attempts_folder(folder) + '/' + std::to_string(number);
}

std::optional<double> modified_s(const std::string& path) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));  // opening asks a file server
  struct stat info {};
  if (!file || fstat(file.get(), &info) != 0) {
    return std::nullopt;
  }
  return static_cast<double>(info.st_mtim.tv_sec) + 1e-9 * static_cast<double>(info.st_mtim.tv_nsec);
}

double file_system_now(const std::string& folder, FileDoor& door) {
  std::random_device random;
  const std::string probe = folder + "/.tmp-clock-" + std::to_string(getpid()) + "-" + std::to_string(random());
  std::optional<double> time_s;
  try {
    (void)door.create(probe);
    time_s = modified_s(probe);
  } catch (const FileError&) {
    // A folder that we may only read: clocks of machines differ by less than what a heartbeat may miss.
  }
  door.remove(probe);
  return time_s ? *time_s : std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::int64_t newest_attempt(const std::string& folder) {
  std::int64_t newest = 0;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(attempts_folder(folder), error)) {
    newest = std::max(newest, parse_integer(entry.path().filename().string()).value_or(0));
  }
  return newest;
}

AttemptState look_at_attempt(const std::string& folder, std::int64_t number, const Owner& self, FileDoor& door) {
  AttemptState state;
  state.number = number;
  if (const auto text = read_text(attempt_folder(folder, number) + "/owner")) {
    state.owner = decode_owner(*text);
  }
  state.outcome = last_outcome(folder, number);
  state.heartbeat_age_s = file_system_now(attempts_folder(folder), door) - last_sign_s(folder, number);
  judge(state, self);
  return state;
}

std::string who(const AttemptState& state) {
  if (!state.owner) {
    return "an unknown process";
  }
  const Owner& owner = *state.owner;
  std::string text = "host " + owner.host + ", process " + std::to_string(owner.pid);
  if (!owner.job_id.empty()) {
    text += ", Slurm job " + owner.job_id;
  }
  return text;
}

std::string last_outcome(const std::string& folder, std::int64_t number) {
  const auto text = read_text(outcome_path(folder, number));
  std::string last;
  if (text) {
    const std::size_t end = text->rfind('\n');  // what follows is torn
    for (const std::string_view line :
         split(std::string_view(*text).substr(0, end == std::string::npos ? 0 : end), '\n')) {
      last = line.empty() ? last : std::string(line);
    }
  }
  return last;
}

void append_outcome(const std::string& folder, std::int64_t number, std::string_view line) {
  FileDoor door;
  const std::string path = outcome_path(folder, number);
  door.append(door.open_to_append(path), path, '\n' + printable(line, 1000) + '\n');
}

void check_newest(const std::string& folder, std::int64_t number) {
  const std::int64_t newest = newest_attempt(folder);
  if (newest > number) {
    throw Superseded(folder + ": attempt " + std::to_string(newest) + " has taken this folder over from attempt " +
                     std::to_string(number) + ", which ends here; what it committed before stays");
  }
}

}  // namespace unroll::store
