#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include "attempt_files.hpp"
#include "sealed.hpp"
#include "unroll/base/text.hpp"

namespace unroll::store {
namespace {

constexpr std::string_view kHead = "unroll-owner 1\n";
constexpr double kShortestHeartbeat_s = 0.05, kLongestHeartbeat_s = 3600;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : printable(value, 100);
}

std::string first_line_of(const std::string& path) {
  std::string line;
  std::ifstream file(path);
  std::getline(file, line);
  return line;
}

struct ProcessState {
  char state = '?';  // Z: ended, and not yet reaped
  std::int64_t start = 0;
};

/// /proc/<pid>/stat: "pid (name) state ..."; the 22nd field is when it started. The name may hold anything.
std::optional<ProcessState> process_state(const std::string& pid) {
  const std::string line = first_line_of("/proc/" + pid + "/stat");
  const std::size_t name_end = line.rfind(") ");
  if (name_end == std::string::npos) {
    return std::nullopt;
  }
  const auto fields = split(std::string_view(line).substr(name_end + 2), ' ');
  const auto start = fields.size() > 19 ? parse_integer(fields[19]) : std::nullopt;
  return start ? std::optional(ProcessState{fields[0].empty() ? '?' : fields[0].front(), *start}) : std::nullopt;
}

double heartbeat_s() {
  const std::string given = environment("UNROLL_HEARTBEAT_S");
  if (given.empty()) {
    return kHeartbeat_s;
  }
  const std::optional<double> seconds = parse_real(given);
  if (!seconds || !(*seconds >= kShortestHeartbeat_s && *seconds <= kLongestHeartbeat_s)) {
    throw UsageError("UNROLL_HEARTBEAT_S = " + given + ": must be in 0.05..3600, the seconds between two heartbeats");
  }
  return *seconds;
}

}  // namespace

Owner this_process(std::int64_t num_ranks) {
  Owner self;
  char host[256] = "";
  (void)gethostname(host, sizeof host - 1);
  self.host = printable(host, 255);
  self.boot_id = first_line_of("/proc/sys/kernel/random/boot_id");
  std::error_code error;
  self.pid_space = std::filesystem::read_symlink("/proc/self/ns/pid", error).string();
  self.pid = getpid();
  if (const auto state = process_state("self")) {
    self.pid_start = state->start;
  }
  self.cluster = environment("SLURM_CLUSTER_NAME");
  self.job_id = environment("SLURM_JOB_ID");
  self.array_task = environment("SLURM_ARRAY_TASK_ID");
  self.restarts = parse_integer(environment("SLURM_RESTART_COUNT")).value_or(0);
  self.num_ranks = num_ranks;
  self.start_s = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  self.heartbeat_s = heartbeat_s();
  return self;
}

std::string encode(const Owner& owner) {
  std::string text(kHead);
  const auto line = [&](std::string_view key, const std::string& value) {
    text += std::string(key) + '=' + value + '\n';
  };
  line("host", owner.host);
  line("boot_id", owner.boot_id);
  line("pid_space", owner.pid_space);
  line("pid", std::to_string(owner.pid));
  line("pid_start", std::to_string(owner.pid_start));
  line("cluster", owner.cluster);
  line("job_id", owner.job_id);
  line("array_task", owner.array_task);
  line("restarts", std::to_string(owner.restarts));
  line("num_ranks", std::to_string(owner.num_ranks));
  line("start_s", shortest(owner.start_s));
  line("heartbeat_s", shortest(owner.heartbeat_s));
  return sealed(std::move(text));
}

std::optional<Owner> decode_owner(std::string_view text) {
  const auto body = unsealed(text);
  if (!body || !body->starts_with(kHead)) {
    return std::nullopt;
  }
  std::map<std::string_view, std::string_view> values;
  for (const std::string_view line : split(body->substr(kHead.size()), '\n')) {
    const std::size_t equals = line.find('=');
    if (equals != std::string_view::npos) {
      values[line.substr(0, equals)] = line.substr(equals + 1);
    }
  }
  const auto integer = [&](std::string_view key) { return parse_integer(values[key]).value_or(0); };
  Owner owner;
  owner.host = values["host"];
  owner.boot_id = values["boot_id"];
  owner.pid_space = values["pid_space"];
  owner.pid = integer("pid");
  owner.pid_start = integer("pid_start");
  owner.cluster = values["cluster"];
  owner.job_id = values["job_id"];
  owner.array_task = values["array_task"];
  owner.restarts = integer("restarts");
  owner.num_ranks = integer("num_ranks");
  owner.start_s = parse_real(values["start_s"]).value_or(0);
  owner.heartbeat_s = parse_real(values["heartbeat_s"]).value_or(kHeartbeat_s);
  return owner;
}

bool is_gone(const Owner& owner, const Owner& self) {
  const bool is_here = !owner.boot_id.empty() && owner.boot_id == self.boot_id && !owner.pid_space.empty() &&
                       owner.pid_space == self.pid_space && owner.host == self.host;
  if (!is_here || owner.pid <= 0) {
    return false;
  }
  if (kill(static_cast<pid_t>(owner.pid), 0) != 0 && errno == ESRCH) {
    return true;
  }
  const auto state = process_state(std::to_string(owner.pid));  // not to be seen: another user's, perhaps
  return state && (state->start != owner.pid_start || state->state == 'Z');
}

}  // namespace unroll::store
