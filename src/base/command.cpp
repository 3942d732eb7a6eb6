#include "unroll/base/command.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>

#include "unroll/base/handle.hpp"

namespace unroll {
namespace {

constexpr std::size_t kMostBytes = 1'000'000;

struct PipeTraits {
  using Type = int;
  static Type null() noexcept { return -1; }
  static void close(Type descriptor) noexcept { ::close(descriptor); }
};
using Pipe = UniqueHandle<PipeTraits>;

/// The child's signals are as a program expects them, whatever this process blocks.
std::optional<pid_t> spawn(std::vector<std::string>& words, int output) {
  std::vector<char*> arguments;
  for (std::string& word : words) {
    arguments.push_back(word.data());
  }
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  pid_t child = 0;
  const int failed = posix_spawnp(&child, arguments[0], &actions, &attributes, arguments.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return failed == 0 ? std::optional(child) : std::nullopt;
}

/// nullopt: it goes on too long.
std::optional<std::string> read_until(int from, std::chrono::steady_clock::time_point deadline) {
  std::string text;
  while (text.size() < kMostBytes) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd waiting{from, POLLIN, 0};
    if (left.count() <= 0) {
      return std::nullopt;
    }
    const int ready = poll(&waiting, 1, static_cast<int>(left.count()));
    if (ready < 0 && errno != EINTR) {
      return std::nullopt;
    }
    if (ready > 0) {
      char bytes[4096];
      const ssize_t count = read(from, bytes, sizeof bytes);
      if (count <= 0) {
        return text;
      }
      text.append(bytes, static_cast<std::size_t>(count));
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> output_of(std::vector<std::string> words, double limit_s) {
  const auto deadline =
      std::chrono::steady_clock::now() + std::chrono::milliseconds(static_cast<std::int64_t>(limit_s * 1000));
  int ends[2];
  if (words.empty() || pipe2(ends, O_CLOEXEC) != 0) {
    return std::nullopt;
  }
  const Pipe from(ends[0]);
  Pipe to(ends[1]);
  const auto child = spawn(words, to.get());
  to = Pipe();
  if (!child) {
    return std::nullopt;
  }
  auto text = read_until(from.get(), deadline);
  if (!text) {
    kill(*child, SIGKILL);
  }
  while (waitpid(*child, nullptr, 0) < 0 && errno == EINTR) {
  }
  return text;
}

}  // namespace unroll
