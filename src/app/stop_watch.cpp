#include "stop_watch.hpp"

#include <pthread.h>

#include <cerrno>
#include <csignal>
#include <utility>

namespace unroll::app {
namespace {

constexpr long kBetweenLooks_ns = 50'000'000;

sigset_t watched() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGUSR2, SIGTERM, SIGINT}) {
    struct sigaction action {};
    if (sigaction(number, nullptr, &action) == 0 && action.sa_handler != SIG_IGN) {
      sigaddset(&set, number);
    }
  }
  return set;
}

const char* name_of(int number) { return number == SIGUSR2 ? "SIGUSR2" : number == SIGTERM ? "SIGTERM" : "SIGINT"; }

/// As if nobody had watched.
void end_by(int number) {
  signal(number, SIG_DFL);
  sigset_t only;
  sigemptyset(&only);
  sigaddset(&only, number);
  pthread_sigmask(SIG_UNBLOCK, &only, nullptr);
  raise(number);
}

}  // namespace

StopWatch::StopWatch(execute::StopSource& stop) : stop_(stop) {
  const sigset_t set = watched();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  thread_ = std::jthread([this](std::stop_token token) { watch(std::move(token)); });
}

StopWatch::~StopWatch() = default;

void StopWatch::stop_at(std::chrono::steady_clock::time_point when, const std::string& reason) {
  const std::lock_guard lock(mutex_);
  if (when < when_) {
    when_ = when;
    reason_ = reason;
  }
}

void StopWatch::watch(std::stop_token token) {
  const sigset_t set = watched();
  bool was_interrupted = false;
  while (!token.stop_requested()) {
    const timespec pause{0, kBetweenLooks_ns};
    const int number = sigtimedwait(&set, nullptr, &pause);
    if (number == SIGINT && std::exchange(was_interrupted, true)) {
      end_by(SIGINT);
    }
    if (number > 0) {
      stop_.request(name_of(number));
    }
    const std::lock_guard lock(mutex_);
    if (std::chrono::steady_clock::now() >= when_) {
      stop_.request(reason_);
    }
  }
}

}  // namespace unroll::app
