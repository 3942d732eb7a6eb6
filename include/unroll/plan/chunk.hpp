#pragma once
// A study cut into chunks for jobs of their own (`unroll run --chunk i/n`). The cut goes between trees, in the order of
// the plan, so that neighbours which start from the same pretraining stay together; trees that a comparison group joins
// are never parted, so that every chunk compares its own groups. It depends on the plan and n alone: every job comes to
// the same cut. A pretraining that trees of several chunks start from is trained by each of them, to the same bits.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "unroll/plan/plan.hpp"

namespace unroll::plan {

/// Chunk `index` (from 1) of `count`.
struct StudyChunk {
  std::int64_t index = 1;
  std::int64_t count = 1;
};

/// By tree: the chunk that has it, from 1. Chunks cost about the same: the costliest is as cheap as a cut in plan order
/// can make it. UsageError when there are fewer parts than chunks.
[[nodiscard]] std::vector<std::int64_t> cut_trees(const Plan& plan, std::int64_t count);

/// What is in one chunk; its cost as in Totals.
struct ChunkShare {
  StudyChunk chunk;
  std::vector<bool> trees, runs, groups;  // by their indices in the plan
  std::int64_t num_trees = 0, num_runs = 0, num_groups = 0, num_measured_rows = 0;
  std::int64_t num_pretrainings = 0;
  std::int64_t num_shared_pretrainings = 0;  // of those: trained by other chunks too
  double cost_s = 0;
  double largest_cost_s = 0;  // of the costliest chunk
};
/// UsageError: the index is not in 1..count, or as in cut_trees.
[[nodiscard]] ChunkShare share_of(const Plan& plan, const StudyChunk& chunk);

/// The text that `unroll plan` prints, and the same as JSON; with the share of a chunk where one is asked for.
[[nodiscard]] std::string describe_plan(const config::Study& study, const Plan& plan,
                                        const std::optional<ChunkShare>& share = std::nullopt);
[[nodiscard]] std::string plan_json(const config::Study& study, const Plan& plan,
                                    const std::optional<ChunkShare>& share = std::nullopt);

}  // namespace unroll::plan
