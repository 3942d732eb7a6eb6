#pragma once
// Runs that failed: DIR/failures/<writer>.log, appended by the rank on which they did, forced to disk, never changed.
//   failed <id> <reason> <crc32>        in the order that they failed; a run may fail again in a later attempt
//   ended <id> <reason> <crc32>         the same, and it is not tried again
// `unroll retry` forgets them by a file of its own, DIR/failures/forgotten-<number>.txt:
//   forgotten <log> <size> <crc32>      so many bytes of that log do not count any more
//   forgotten attempts <number> <crc32> nor do crashes of attempts up to that one (suspects.hpp)
// Every record starts and ends with a line end, as in the journal; one whose CRC-32 does not fit is skipped.
// A run that is finished in the end is not failed, whatever was recorded.
#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "unroll/store/file_door.hpp"

namespace unroll::store {

struct Failure {
  std::string id;         // of the run; of the tree where no run is measured on it
  std::string reason;     // one line
  bool is_final = false;  // however seldom it failed, it is not tried again
};

struct FailedRun {
  std::int64_t num_failures = 0;  // that are not forgotten
  bool is_final = false;
  std::string reason;  // the last one
};

/// By id, without what was forgotten.
[[nodiscard]] std::unordered_map<std::string, FailedRun> failed_runs(const std::string& folder);

/// Forgets all failures so far, durably; by id those that there were. Call it while nobody works in the folder.
/// FileError.
std::unordered_map<std::string, FailedRun> forget_failures(const std::string& folder);

/// Crashes of attempts up to this one do not count any more.
[[nodiscard]] std::int64_t forgotten_attempts(const std::string& folder);

/// Records of a log, as Writer::commit_failures appends them.
[[nodiscard]] std::string encode(std::span<const Failure> failures);
[[nodiscard]] std::string failures_folder(const std::string& folder);

}  // namespace unroll::store
