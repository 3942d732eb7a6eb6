#include "stop_watch.hpp"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "support/catch.hpp"

using unroll::app::StopWatch;
using unroll::execute::StopSource;
using Clock = std::chrono::steady_clock;

namespace {

bool comes_true(const std::function<bool()>& condition) {
  const auto deadline = Clock::now() + std::chrono::seconds(20);
  while (!condition() && Clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return condition();
}

/// Runs the action in a child, whose signals are its own; returns its wait status.
int in_child(const std::function<int()>& action) {
  const pid_t child = fork();
  if (child == 0) {
    _exit(action());
  }
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

constexpr int kGood = 7;

}  // namespace

TEST_CASE("each of the three signals requests a stop by its name, and ends nothing") {
  for (const auto& [number, name] : {std::pair{SIGUSR2, "SIGUSR2"}, {SIGTERM, "SIGTERM"}, {SIGINT, "SIGINT"}}) {
    const int status = in_child([number = number, name = name] {
      StopSource stop;
      const StopWatch watch(stop);
      if (stop.requested()) {
        return 1;
      }
      kill(getpid(), number);
      return comes_true([&] { return stop.requested(); }) && stop.reason() == name ? kGood : 2;
    });

    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == kGood);
  }
}

TEST_CASE("a second SIGINT ends the process by SIGINT") {
  const int status = in_child([] {
    StopSource stop;
    const StopWatch watch(stop);
    kill(getpid(), SIGINT);
    comes_true([&] { return stop.requested(); });
    kill(getpid(), SIGINT);
    std::this_thread::sleep_for(std::chrono::seconds(20));
    return 1;
  });

  CHECK(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGINT);
}

TEST_CASE("a signal that was ignored stays ignored") {
  const int status = in_child([] {
    signal(SIGINT, SIG_IGN);
    StopSource stop;
    const StopWatch watch(stop);
    kill(getpid(), SIGINT);
    kill(getpid(), SIGUSR2);
    return comes_true([&] { return stop.requested(); }) && stop.reason() == "SIGUSR2" ? kGood : 1;
  });

  CHECK(WEXITSTATUS(status) == kGood);
}

TEST_CASE("the moment of a limit requests a stop; the earlier of two counts") {
  const int status = in_child([] {
    StopSource stop;
    StopWatch watch(stop);
    watch.stop_at(Clock::now() + std::chrono::milliseconds(100), "--stop-after 1");
    watch.stop_at(Clock::now() + std::chrono::hours(1), "the job's time limit");
    return comes_true([&] { return stop.requested(); }) && stop.reason() == "--stop-after 1" ? kGood : 1;
  });

  CHECK(WEXITSTATUS(status) == kGood);
}
