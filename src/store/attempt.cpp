#include "unroll/store/attempt.hpp"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "attempt_files.hpp"
#include "unroll/base/text.hpp"

namespace unroll::store {
namespace {

constexpr int kMostTries = 100;

/// The largest attempt number in names of journals and shards, "r00000-a0003...": attempts/ may have been deleted.
std::int64_t newest_in_names(const std::string& folder) {
  std::int64_t newest = 0;
  for (const char* part : {"/journal", "/shards", "/weights/kept", "/checkpoints", "/failures"}) {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(folder + part, error)) {
      const std::string name = entry.path().filename().string();
      const std::size_t at = name.find("-a");
      if (name.starts_with('r') && at != std::string::npos) {
        const std::string_view digits = std::string_view(name).substr(at + 2);
        newest = std::max(newest, parse_integer(digits.substr(0, digits.find_first_not_of("0123456789"))).value_or(0));
      }
    }
  }
  return newest;
}

UsageError taken(const std::string& folder, const AttemptState& state) {
  std::string advice = "wait for it, end it";
  if (state.owner && !state.owner->job_id.empty()) {
    advice += " (scancel " + state.owner->job_id + ")";
  }
  const double heartbeat_s = state.owner ? state.owner->heartbeat_s : kHeartbeat_s;
  return UsageError("--output " + folder + ": attempt " + std::to_string(state.number) + " is at work there: " +
                    who(state) + "; " + state.why + "; " + advice + ", or give another --output (without a heartbeat " +
                    "for " + shortest(kMissedHeartbeats * heartbeat_s) + " s it counts as dead)");
}

std::vector<std::string> temporaries_in(const std::string& folder) {
  std::vector<std::string> found;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (entry.path().filename().string().starts_with(".tmp-")) {
      found.push_back(entry.path().string());
    }
  }
  return found;
}

/// Signals go to the threads that know what to do with them.
std::thread start_thread(std::function<void()> action) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread(std::move(action));
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

}  // namespace

struct Attempt::State {
  std::string folder;
  Owner self;
  std::unique_ptr<FileDoor> door;
  std::vector<std::string> made;  // folders, outermost first
  std::int64_t number = 0;
  std::string note;

  std::mutex mutex;
  std::condition_variable changed;
  bool must_stop = false;
  std::atomic<bool> is_superseded = false;
  std::thread heart;

  ~State() { stop(); }
  void stop() {
    {
      const std::lock_guard lock(mutex);
      must_stop = true;
    }
    changed.notify_all();
    if (heart.joinable()) {
      heart.join();
    }
  }

  void claim();
  bool try_claim();
  void remove_folder(const std::string& path);
  void beat();
};

void Attempt::State::claim() {
  for (int i = 0; i < kMostTries; ++i) {
    const std::int64_t newest = newest_attempt(folder);
    if (newest > 0) {
      const AttemptState state = look_at_attempt(folder, newest, self, *door);
      if (state.life == Life::alive) {
        throw taken(folder, state);
      }
      note = state.life == Life::ended ? "" : "goes on where attempt " + std::to_string(newest) + " died: " + state.why;
    }
    number = std::max(newest, newest_in_names(folder)) + 1;
    if (try_claim()) {
      return;
    }
  }
  throw Error(folder + ": no attempt can be started: others start at the same time, again and again");
}

/// A folder with all that describes the owner takes the number, whole: nobody ever sees an attempt without an owner.
bool Attempt::State::try_claim() {
  std::random_device random;
  const std::string temporary =
      attempts_folder(folder) + "/.tmp-" + std::to_string(getpid()) + '-' + std::to_string(random());
  try {
    door->make_folders(temporary + "/events");
    door->replace(temporary + "/owner", encode(self));
    (void)door->create(temporary + "/heartbeat");
    if (door->move_folder(temporary, attempt_folder(folder, number))) {
      return true;
    }
    remove_folder(temporary);
    return false;
  } catch (const FileError& error) {
    remove_folder(temporary);
    if (error.code() == ENOENT && newest_attempt(folder) >= number) {
      return false;  // another was faster, and took ours for what a dead one left
    }
    throw;
  }
}

void Attempt::State::remove_folder(const std::string& path) {
  for (const std::string& temporary : temporaries_in(path)) {
    door->remove(temporary);
  }
  for (const char* file : {"/owner", "/heartbeat", "/events", ""}) {
    door->remove(path + file);
  }
}

void Attempt::State::beat() {
  const auto pause = std::chrono::duration<double>(self.heartbeat_s);
  std::unique_lock lock(mutex);
  while (!changed.wait_for(lock, pause, [this] { return must_stop; })) {
    lock.unlock();
    is_superseded = newest_attempt(folder) > number;
    if (is_superseded) {
      return;
    }
    door->touch(attempt_folder(folder, number) + "/heartbeat");
    lock.lock();
  }
}

Attempt::Attempt(const std::string& folder, const Owner& self) : Attempt(folder, self, std::make_unique<FileDoor>()) {}

Attempt::Attempt(const std::string& folder, const Owner& self, std::unique_ptr<FileDoor> door)
    : state_(std::make_unique<State>()) {
  state_->folder = folder;
  state_->self = self;
  state_->door = std::move(door);
  try {
    state_->made = state_->door->make_folders(attempts_folder(folder));
    state_->claim();
  } catch (const FileError& error) {
    for (auto path = state_->made.rbegin(); path != state_->made.rend(); ++path) {
      state_->door->remove(*path);
    }
    throw UsageError("--output " + folder + ": " + error.what() + "; give a folder that can be written");
  }
  state_->heart = start_thread([state = state_.get()] { state->beat(); });
}

Attempt::Attempt(Attempt&&) noexcept = default;
Attempt::~Attempt() = default;

std::int64_t Attempt::number() const { return state_->number; }
const std::string& Attempt::note() const { return state_->note; }

void Attempt::check() const {
  if (state_->is_superseded) {
    check_newest(state_->folder, state_->number);
  }
}

void Attempt::withdraw() noexcept {
  state_->stop();
  state_->remove_folder(attempt_folder(state_->folder, state_->number));
  for (auto path = state_->made.rbegin(); path != state_->made.rend(); ++path) {
    state_->door->remove(*path);
  }
}

void Attempt::remove_temporaries() noexcept {
  try {
    const auto own_s = modified_s(attempt_folder(state_->folder, state_->number) + "/owner");
    for (const char* part :
         {"", "/journal", "/shards", "/stages", "/weights", "/weights/kept", "/checkpoints", "/attempts"}) {
      for (const std::string& path : temporaries_in(state_->folder + part)) {
        const auto time_s = modified_s(path);
        if (own_s && time_s && *time_s < *own_s) {
          state_->remove_folder(path);
        }
      }
    }
  } catch (const std::exception&) {
    // They cost space, and are no results.
  }
}

}  // namespace unroll::store
