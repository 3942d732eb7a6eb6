#pragma once
// From the command line to a checked plan: what `unroll` and `unroll-worker` share. Needs neither MPI nor LibTorch.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "unroll/config/study.hpp"
#include "unroll/plan/chunk.hpp"
#include "unroll/plan/plan.hpp"
#include "unroll/store/cache.hpp"

namespace unroll::app {

/// The command line of `unroll run`, which unroll-worker is given unchanged (without the word `run`).
struct RunArguments {
  std::string study;              // path of the config file
  std::string output;             // folder of the results
  std::vector<std::string> sets;  // "key=value", in the order given
  std::optional<store::CacheOptions> cache = std::nullopt;
  std::optional<double> stop_after_s = std::nullopt;
  std::string stop_after = {};  // as it was given
  std::int64_t max_fails = 0;   // 0: no limit
  bool extend = false;
  std::int64_t max_attempts = 3;
  std::optional<plan::StudyChunk> chunk = std::nullopt;
  std::string folder = {};  // that this run writes to: output, or that of its chunk there
};

/// UsageError: an option that is unknown, lacks its value or is missing; a value out of its range.
[[nodiscard]] RunArguments parse_run(const std::vector<std::string>& arguments);

struct Prepared {
  config::Study study;
  plan::Plan plan;
};

/// Whether a pack must fit into this machine's memory: yes where it will be trained, no where it is only planned.
enum class MemoryCheck { yes, no };

/// Whether child processes first walk the HDF5 files that the study names; not under MPI, whose ranks were started by
/// an `unroll run` that did.
enum class ForeignFiles { walk, walked };

/// Reads the study and the descriptions of its data and makes the plan. UsageError for all that is wrong with them.
[[nodiscard]] Prepared prepare(const std::string& path, const std::vector<std::string>& sets,
                               MemoryCheck memory = MemoryCheck::yes, ForeignFiles files = ForeignFiles::walk);

/// Keeps the study beside its results (study.ini and sets.txt in an existing folder), so that prepare_saved can make
/// its plan again. Call it on one rank, after store::prepare. Throws store::FileError.
void save_study(const std::string& folder, const RunArguments& arguments);
/// The plan of a folder of results. UsageError when the folder holds no study.
[[nodiscard]] Prepared prepare_saved(const std::string& folder);

}  // namespace unroll::app
