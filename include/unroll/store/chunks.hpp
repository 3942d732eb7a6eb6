#pragma once
// A study in chunks (`unroll run --chunk i/n`, plan/chunk.hpp): each has a folder of results of its own,
// DIR/chunks/<i>-of-<n>, with its own attempts, shards and journal, and no results.h5; merging joins them in DIR.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "unroll/plan/chunk.hpp"
#include "unroll/store/store.hpp"

namespace unroll::store {

struct Chunks {
  std::int64_t count = 0;
  std::vector<std::int64_t> present;  // ascending; their folders are there
};

[[nodiscard]] std::string chunk_folder(const std::string& folder, std::int64_t index, std::int64_t count);
/// The other way round; nullopt: it is not called so.
[[nodiscard]] std::optional<plan::StudyChunk> chunk_of(const std::string& folder);
/// nullopt: DIR is not cut. UsageError: it holds chunks of two cuts.
[[nodiscard]] std::optional<Chunks> find_chunks(const std::string& folder);

/// UsageError unless DIR may take a chunk of `count` of this plan: it holds no uncut study, and no chunks of another
/// cut or plan.
void check_for_chunk(const std::string& folder, std::int64_t count, const std::string& plan_id);
/// UsageError when DIR holds chunks: a whole study beside them would do everything again.
void check_for_whole(const std::string& folder);

/// Of the folders' runs that are wanted (by Plan::runs), as in a MergeSummary. Writes nothing.
[[nodiscard]] MergeSummary count_runs(const std::string& folder, const plan::Plan& plan,
                                      const std::vector<bool>& wanted, const std::vector<bool>& wanted_groups);

/// Joins all chunks that are there into DIR/results.h5, the same bytes as an uncut study leaves, and DIR/telemetry.h5.
/// UsageError when a chunk belongs to another study or was computed with other numerics; as in merge.
MergeSummary merge_chunks(const std::string& folder, const config::Study& study, const plan::Plan& plan);

}  // namespace unroll::store
