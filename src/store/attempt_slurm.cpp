// What Slurm says of a job: `scontrol -o show job ID`, within a time limit. posix_spawn, not fork: an MPI process may
// hold memory that a fork must not copy.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>

#include "attempt_files.hpp"
#include "unroll/base/text.hpp"
#include "unroll/store/events.hpp"

namespace unroll::store {
namespace {

constexpr std::chrono::seconds kDeadline(10);
constexpr std::size_t kMostBytes = 1'000'000;

/// What the command prints on both streams before it ends; nullopt: it cannot be started, or takes too long.
std::optional<std::string> output_of(std::array<char*, 6> arguments) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    return std::nullopt;
  }
  const Descriptor from(ends[0]);
  Descriptor to(ends[1]);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, to.get(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, to.get(), STDERR_FILENO);
  pid_t child = 0;
  const int failed = posix_spawnp(&child, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) {
    return std::nullopt;
  }
  to = Descriptor();
  std::string text;
  bool is_whole = false;
  const auto deadline = std::chrono::steady_clock::now() + kDeadline;
  while (!is_whole && text.size() < kMostBytes) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd waiting{from.get(), POLLIN, 0};
    if (left.count() <= 0 || poll(&waiting, 1, static_cast<int>(left.count())) <= 0) {
      break;
    }
    char bytes[4096];
    const ssize_t count = read(from.get(), bytes, sizeof bytes);
    is_whole = count <= 0;
    text.append(bytes, count > 0 ? static_cast<std::size_t>(count) : 0);
  }
  if (!is_whole) {
    kill(child, SIGKILL);
  }
  waitpid(child, nullptr, 0);
  return is_whole ? std::optional(text) : std::nullopt;
}

bool may_run(std::string_view state) {
  constexpr std::array kLive = {"RUNNING",   "COMPLETING", "SUSPENDED", "STOPPED",
                                "SIGNALING", "STAGE_OUT",  "RESIZING",  "CONFIGURING"};
  return std::find(kLive.begin(), kLive.end(), state) != kLive.end();
}

bool is_number(const std::string& text) {
  return !text.empty() && text.size() < 20 && text.find_first_not_of("0123456789") == std::string::npos;
}

}  // namespace

bool slurm_says_ended(const Owner& owner, const Owner& self) {
  if (!is_number(owner.job_id) || owner.cluster != self.cluster) {
    return false;
  }
  std::string program = "scontrol", one_line = "-o", show = "show", job = "job", id = owner.job_id;
  const auto answer = output_of({program.data(), one_line.data(), show.data(), job.data(), id.data(), nullptr});
  if (!answer) {
    return false;
  }
  for (const std::string_view line : split(*answer, '\n')) {
    const std::string text = ' ' + std::string(line);
    if (field(text, "JobId") == owner.job_id && !field(text, "JobState").empty()) {
      const auto restarts = parse_integer(field(text, "Restarts")).value_or(0);
      return restarts > owner.restarts || !may_run(field(text, "JobState"));
    }
  }
  return answer->find("Invalid job id") != std::string::npos;  // long over
}

}  // namespace unroll::store
