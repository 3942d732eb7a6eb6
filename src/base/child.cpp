#include "unroll/base/child.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <new>

#include "unroll/base/error.hpp"
#include "unroll/base/handle.hpp"
#include "unroll/base/wording.hpp"

namespace unroll {
namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kLimitsMemory = false;  // AddressSanitizer reserves terabytes
#else
constexpr bool kLimitsMemory = true;
#endif

struct PipeEndTraits {
  using Type = int;
  static Type null() noexcept { return -1; }
  static void close(Type end) noexcept { ::close(end); }
};
using PipeEnd = UniqueHandle<PipeEndTraits>;

// The first byte of what the child says.
constexpr char kResult = 'r', kUsageError = 'u', kError = 'e', kNoMemory = 'm';

void set_limit(__rlimit_resource resource, rlim_t soft) {
  rlimit limit{};
  if (getrlimit(resource, &limit) == 0) {
    limit.rlim_cur = std::min(soft, limit.rlim_max);
    limit.rlim_max = limit.rlim_cur;
    setrlimit(resource, &limit);
  }
}

std::uint64_t mapped_bytes() {
  std::ifstream file("/proc/self/statm");
  std::uint64_t pages = 0;
  file >> pages;
  return pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

void confine(const ChildLimits& limits) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (const int signal : {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTERM, SIGINT}) {
    ::signal(signal, SIG_DFL);
  }
  const int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    dup2(nowhere, stream);
  }
  set_limit(RLIMIT_CORE, 0);
  set_limit(RLIMIT_FSIZE, 0);
  set_limit(RLIMIT_CPU, static_cast<rlim_t>(std::ceil(limits.wall_s)));
  if (kLimitsMemory) {
    set_limit(RLIMIT_AS, mapped_bytes() + limits.memory_bytes);
  }
}

std::string outcome_of(const std::function<std::string()>& work) {
  try {
    return kResult + work();
  } catch (const UsageError& error) {
    return kUsageError + std::string(error.what());
  } catch (const std::bad_alloc&) {
    return {kNoMemory};
  } catch (const std::exception& error) {
    return kError + std::string(error.what());
  }
}

[[noreturn]] void be_the_child(const PipeEnd& out, const ChildLimits& limits,
                               const std::function<std::string()>& work) {
  confine(limits);
  const std::string outcome = outcome_of(work);
  for (std::size_t sent = 0; sent < outcome.size();) {
    const ssize_t count = write(out.get(), outcome.data() + sent, outcome.size() - sent);
    if (count < 0 && errno != EINTR) {
      _exit(1);
    }
    sent += count < 0 ? 0 : static_cast<std::size_t>(count);
  }
  _exit(0);
}

// All that comes until the other end is closed; false when that takes too long.
bool receive(const PipeEnd& in, double wall_s, std::string& text) {
  using Clock = std::chrono::steady_clock;
  const auto deadline = Clock::now() + std::chrono::duration<double>(wall_s);
  char piece[4096];
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    pollfd end{in.get(), POLLIN, 0};
    const int ready = left < 0 ? 0 : poll(&end, 1, static_cast<int>(std::min<std::int64_t>(left + 1, 1 << 30)));
    if (ready < 0 && errno == EINTR) {
      continue;
    }
    if (ready <= 0) {
      return false;
    }
    const ssize_t count = read(in.get(), piece, sizeof piece);
    if (count > 0) {
      text.append(piece, static_cast<std::size_t>(count));
    } else if (count == 0 || errno != EINTR) {
      return true;
    }
  }
}

int wait_for(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

[[noreturn]] void refuse(const std::string& name, const std::string& what) {
  throw UsageError(name + ": damaged file: " + what + "; fetch or make it again");
}

std::string interpret(const std::string& name, const std::string& outcome, int status) {
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU) {
    refuse(name, "reading it takes too long");
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || outcome.empty()) {
    refuse(name, WIFSIGNALED(status) ? "reading it crashes (" + std::string(strsignal(WTERMSIG(status))) + ")"
                                     : "reading it crashes");
  }
  const std::string text = outcome.substr(1);
  switch (outcome.front()) {
    case kResult:
      return text;
    case kUsageError:
      throw UsageError(text);
    case kNoMemory:
      refuse(name, "reading it takes more memory than a file of its size should");
    default:
      throw Error(text);
  }
}

// Of a file, or of all files in a folder; what cannot be asked counts nothing.
std::uintmax_t size_of(const std::string& path) {
  std::error_code error;
  std::uintmax_t total = 0;
  if (!std::filesystem::is_directory(path, error)) {
    const std::uintmax_t size = std::filesystem::file_size(path, error);
    return error ? 0 : size;
  }
  auto entry = std::filesystem::recursive_directory_iterator(path, error);
  for (; !error && entry != std::filesystem::recursive_directory_iterator(); entry.increment(error)) {
    std::error_code gone;
    const std::uintmax_t size = entry->is_regular_file(gone) ? entry->file_size(gone) : 0;
    total += gone ? 0 : size;
  }
  return total;
}

}  // namespace

ChildLimits limits_for(const std::string& path) {
  constexpr double kBytesPerSecond = 1e7;
  const std::uintmax_t size = size_of(path);
  ChildLimits limits;
  limits.wall_s += static_cast<double>(size) / kBytesPerSecond;
  limits.memory_bytes += 8 * size;
  return limits;
}

std::string in_child(const std::string& name, const ChildLimits& limits, const std::function<std::string()>& work) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    throw Error(name + ": cannot be checked: " + std::strerror(errno));
  }
  PipeEnd in(ends[0]), out(ends[1]);
  const pid_t child = fork();
  if (child < 0) {
    throw Error(name + ": cannot be checked: no child process: " + std::strerror(errno));
  }
  if (child == 0) {
    in.reset();
    be_the_child(out, limits, work);
  }
  out.reset();
  std::string outcome;
  if (!receive(in, limits.wall_s, outcome)) {
    kill(child, SIGKILL);
    wait_for(child);
    refuse(name, "reading it takes more than " + rounded(limits.wall_s) + " s");
  }
  return interpret(name, outcome, wait_for(child));
}

}  // namespace unroll
