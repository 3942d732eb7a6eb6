#include "merge_chunks.hpp"

#include <filesystem>
#include <iostream>

#include "commands.hpp"
#include "unroll/app/prepare.hpp"
#include "unroll/base/wording.hpp"
#include "unroll/store/attempt.hpp"
#include "unroll/store/check.hpp"

namespace unroll::app {
namespace {

bool is_begun(const std::string& folder) {
  std::error_code error;
  return std::filesystem::exists(folder + "/study.ini", error) && std::filesystem::exists(folder + "/sets.txt", error);
}

/// "" for a chunk that is complete.
std::string what_is_missing(const std::string& folder) {
  if (!is_begun(folder)) {
    return "was not begun";
  }
  const std::string outcome = store::last_outcome(folder, store::newest_attempt(folder));
  return outcome == "complete" ? "" : outcome.empty() ? "is at work, or died" : outcome;
}

}  // namespace

void tell_damage(const store::MergeSummary& summary) {
  for (const std::string& line : summary.damage) {
    std::cerr << "unroll: " << line << '\n';
  }
}

std::string folder_of_study(const std::string& folder, const store::Chunks& chunks) {
  for (const std::int64_t index : chunks.present) {
    const std::string chunk = store::chunk_folder(folder, index, chunks.count);
    if (is_begun(chunk)) {
      return chunk;
    }
  }
  return store::chunk_folder(folder, chunks.present.front(), chunks.count);
}

int merge_chunks(const std::string& folder, const store::Chunks& chunks) {
  for (const std::int64_t index : chunks.present) {
    store::walk_shards(store::chunk_folder(folder, index, chunks.count));
  }
  const Prepared prepared = prepare_saved(folder_of_study(folder, chunks));
  const store::MergeSummary summary = store::merge_chunks(folder, prepared.study, prepared.plan);
  tell_damage(summary);
  std::cout << folder << "/results.h5: " << counted(summary.num_runs, "run") << ", "
            << counted(summary.num_pairs, "row") << " of " << counted(std::ssize(chunks.present), "chunk") << "; "
            << summary.num_missing_runs << " missing, " << summary.num_failed_runs << " failed\n";
  for (std::int64_t index = 1; index <= chunks.count && summary.num_missing_runs > 0; ++index) {
    const std::string missing = what_is_missing(store::chunk_folder(folder, index, chunks.count));
    if (!missing.empty()) {
      std::cout << "chunk " << index << " of " << chunks.count << ": " << missing << "; run it with --chunk " << index
                << '/' << chunks.count << '\n';
    }
  }
  return summary.num_missing_runs > 0 ? kExitIncomplete : summary.num_failed_runs > 0 ? kExitFailedRuns : kExitComplete;
}

}  // namespace unroll::app
