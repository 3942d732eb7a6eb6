#pragma once
// Who works in a folder of results. Every start of `unroll run` is an attempt with a number and a folder of its own:
//
//   DIR/attempts/<N>/owner            the process of rank 0: host, boot, process, Slurm job (text with a CRC-32)
//   DIR/attempts/<N>/heartbeat        touched by rank 0 every heartbeat_s, whether or not it trains
//   DIR/attempts/<N>/outcome          how it ended, a line each time; the last one counts
//   DIR/attempts/<N>/events/r<rank>.log   what each rank did (events.hpp)
//
// The newest attempt owns DIR. A new one takes over when the newest has ended or is dead, by renaming a whole attempt
// folder to the next number, which only one can do. An old attempt may not know yet that it lost the folder (a job that
// was stopped, or whose node was cut off), so every commit first looks whether its attempt is still the newest. No
// attempt changes or removes another's files, but for temporary files that dead ones left.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "unroll/base/error.hpp"
#include "unroll/store/file_door.hpp"

namespace unroll::store {

/// A newer attempt has taken the folder over: this one may commit nothing more.
class Superseded : public Error {
 public:
  using Error::Error;
};

/// A process as others can look for it: by its host, by Slurm, by its heartbeat.
struct Owner {
  std::string host;
  std::string boot_id;    // of the kernel's start
  std::string pid_space;  // process ids mean something to those who share it (containers do not)
  std::int64_t pid = 0;
  std::int64_t pid_start = 0;               // ticks since boot: a process id may be used again
  std::string cluster, job_id, array_task;  // Slurm's; empty without it
  std::int64_t restarts = 0;                // how often Slurm started the job again
  std::int64_t num_ranks = 1;
  double start_s = 0;       // since 1970, by its host's clock
  double heartbeat_s = 15;  // between two heartbeats
};

/// This process; heartbeat_s from the environment variable UNROLL_HEARTBEAT_S (0.05 to 3600; tests set it), else 15.
/// UsageError for another value.
[[nodiscard]] Owner this_process(std::int64_t num_ranks);

enum class Life {
  ended,  // it wrote its outcome
  dead,   // its process is gone, Slurm says so, or no heartbeat for eight times heartbeat_s (120 s)
  alive
};

/// An attempt as others see it.
struct AttemptState {
  std::int64_t number = 0;
  std::optional<Owner> owner;  // nullopt: the record is missing or damaged
  Life life = Life::alive;
  std::string why;  // "process 123 on host x is gone"
  double heartbeat_age_s = 0;
  std::string outcome;  // the last line; "" while there is none
};

/// 0: there is none.
[[nodiscard]] std::int64_t newest_attempt(const std::string& folder);
/// What is known of an attempt, as asked by `self`. Slurm is asked (10 s at most) where its word may decide. Ages are
/// by the file system's clock: that of a probe file made through `door`, or this machine's where none can be made.
[[nodiscard]] AttemptState look_at_attempt(const std::string& folder, std::int64_t number, const Owner& self,
                                           FileDoor& door);
/// "host node7, process 123, Slurm job 77"
[[nodiscard]] std::string who(const AttemptState& state);

/// Superseded when there is an attempt newer than this one. One look at a folder.
void check_newest(const std::string& folder, std::int64_t number);

/// Appends a line to the attempt's outcome, durably; any rank may. Throws FileError.
void append_outcome(const std::string& folder, std::int64_t number, std::string_view line);
/// The last whole line; "" when there is none.
[[nodiscard]] std::string last_outcome(const std::string& folder, std::int64_t number);

/// Rank 0's hold on a folder. Its heartbeat goes on in a thread until it ends.
class Attempt {
 public:
  /// Makes DIR if it is not there, and takes it. UsageError: an attempt that is alive has it; DIR cannot be written.
  Attempt(const std::string& folder, const Owner& self);
  Attempt(const std::string& folder, const Owner& self, std::unique_ptr<FileDoor> door);
  Attempt(Attempt&&) noexcept;
  ~Attempt();

  [[nodiscard]] std::int64_t number() const;
  /// What to tell the user of an attempt that died, and was taken over from; "" when there was none.
  [[nodiscard]] const std::string& note() const;
  /// Superseded when the last heartbeat met a newer attempt. Cheap: for between steps.
  void check() const;
  /// Gives the folder back as it was before; only while nothing was committed.
  void withdraw() noexcept;
  /// Removes temporary files that are older than this attempt: those of attempts that died while they wrote.
  void remove_temporaries() noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace unroll::store
