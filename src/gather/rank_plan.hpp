#pragma once
// How a rank takes its slice within its memory. Every rank computes every rank's plan.
#include "gather/slices.hpp"
#include "unroll/gather/gather.hpp"

namespace unroll::gather {

struct RankPlan {
  BlockRange slice;
  std::vector<BlockRange> rounds;    // at least one, perhaps of no blocks
  std::int64_t buffer_elements = 0;  // of one buffer: the widest round of the rows of others
  std::int64_t num_buffers = 0;      // two when there are several rounds: one is filled while the other is measured
  std::int64_t memory_bytes = 0;     // of all that it holds, beside its rows and rank 0's result
};

/// num_foreign: rows that others own. Error: not even the widest block fits; says what would.
[[nodiscard]] RankPlan rank_plan(const Request& request, const Options& options, const std::vector<Block>& blocks,
                                 BlockRange slice, std::int64_t num_foreign, bool root);

inline constexpr int kNobody = -1;
/// Error if the model has an owner already.
void own(std::vector<int>& owners, std::int64_t model, int rank);
/// Error if a model has none.
void check_owners(const std::vector<int>& owners);

}  // namespace unroll::gather
