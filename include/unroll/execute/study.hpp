#pragma once
// A study from its plan to results.h5, on all ranks.
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "unroll/config/study.hpp"
#include "unroll/execute/device.hpp"
#include "unroll/execute/stop.hpp"
#include "unroll/mpi/mpi.hpp"
#include "unroll/plan/chunk.hpp"
#include "unroll/store/cache.hpp"
#include "unroll/store/outcome.hpp"
#include "unroll/store/store.hpp"

namespace unroll::execute {

struct StudyOptions {
  bool threaded = true;                                    // MPI_THREAD_MULTIPLE was provided
  const GpuSupport* gpus = nullptr;                        // nullptr: CPUs only
  std::optional<plan::StudyChunk> chunk;                   // only this part of the study; no results.h5 is written
  std::optional<store::CacheOptions> cache;                // pretrainings of other studies; changes no result
  std::function<void(const std::string& line)> on_notice;  // what a user should know; on any rank; may be empty
  // Called on rank 0 only; may be empty.
  std::function<void(std::size_t done, std::size_t total)> on_progress;
  std::function<void()> on_prepared;                    // the folder is this study's now, nothing is trained yet
  StopSource* stop = nullptr;                           // ends the study early on all ranks, in order
  std::optional<TimeLimit> limit;                       // the same on every rank
  store::OtherStudy other = store::OtherStudy::refuse;  // extend: the caller checked that this one has all its runs
  std::int64_t max_attempts = 3;                        // what failed so often is not tried again
  std::int64_t max_fails = 0;  // after so many failed items no more work is given out; 0: no limit
};

struct StudyOutcome {
  std::int64_t num_runs = 0;
  std::int64_t num_missing = 0;      // not done: run again
  std::int64_t num_failed = 0;       // recorded with a reason
  std::int64_t num_open_groups = 0;  // comparison groups that are not compared
  bool is_merged = true;             // false: the disk refused; none of the counts above is known
  store::Outcome outcome;
};

/// Collective. Numbers are of the chunk, if it is one. Resumes what `folder` holds. UsageError (on every rank) before
/// anything starts.
[[nodiscard]] StudyOutcome run_study(const mpi::Communicator& world, const config::Study& study, const plan::Plan& plan,
                                     const std::string& folder, const StudyOptions& options);

}  // namespace unroll::execute
