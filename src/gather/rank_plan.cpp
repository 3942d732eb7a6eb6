#include "gather/rank_plan.hpp"

#include <algorithm>
#include <string>

#include "gather/block_pairs.hpp"
#include "gather/requests.hpp"
#include "gather/totals.hpp"
#include "unroll/base/error.hpp"

namespace unroll::gather {
namespace {

/// Everything but the rows of others.
std::int64_t fixed_bytes(const Request& request, const std::vector<Block>& blocks, BlockRange slice, bool root) {
  // Rank 0: the segment at work, one that arrives, and the tensor's; others keep their segments to the end.
  const std::int64_t num_kept = root ? 3 : static_cast<std::int64_t>(segments_of(blocks, slice).size()) + 1;
  const std::int64_t per_model =
      2 * static_cast<std::int64_t>(sizeof(void*)) + static_cast<std::int64_t>(sizeof(double));
  return BlockPairs::memory_bytes(request) + num_kept * Sums::memory_bytes(request) + per_model * request.num_models +
         static_cast<std::int64_t>(blocks.size() * sizeof(Block));
}

std::int64_t widest_of(const std::vector<Block>& blocks, const std::vector<BlockRange>& ranges) {
  std::int64_t widest = 0;
  for (const BlockRange& range : ranges) {
    widest = std::max(widest, num_columns(blocks, range));
  }
  return widest;
}

}  // namespace

RankPlan rank_plan(const Request& request, const Options& options, const std::vector<Block>& blocks, BlockRange slice,
                   std::int64_t num_foreign, bool root) {
  const std::int64_t fixed = fixed_bytes(request, blocks, slice, root);
  const std::int64_t column_bytes = num_foreign * element_bytes(request.element);
  const std::int64_t left = options.memory_bytes - fixed;
  RankPlan plan;
  plan.slice = slice;
  if (column_bytes * num_columns(blocks, slice) <= left) {
    plan.rounds = {slice};
    plan.num_buffers = 1;
  } else {
    plan.rounds = rounds_of(blocks, slice, column_bytes > 0 ? std::max<std::int64_t>(left, 0) / (2 * column_bytes) : 0);
    plan.num_buffers = 2;
  }
  plan.buffer_elements = num_foreign * widest_of(blocks, plan.rounds);
  plan.memory_bytes = fixed + plan.num_buffers * plan.buffer_elements * element_bytes(request.element);
  if (plan.memory_bytes > options.memory_bytes) {
    throw Error("distances of " + std::to_string(request.num_models) + " models need " +
                std::to_string(plan.memory_bytes) +
                " bytes a rank beside the weights; allowed: " + std::to_string(options.memory_bytes));
  }
  return plan;
}

void own(std::vector<int>& owners, std::int64_t model, int rank) {
  int& owner = owners[static_cast<std::size_t>(model)];
  if (owner != kNobody) {
    throw Error("model " + std::to_string(model) + " is a row of rank " + std::to_string(owner) + " and one of rank " +
                std::to_string(rank));
  }
  owner = rank;
}

void check_owners(const std::vector<int>& owners) {
  const auto missing = std::find(owners.begin(), owners.end(), kNobody);
  if (missing != owners.end()) {
    throw Error("model " + std::to_string(missing - owners.begin()) + " is a row of no rank");
  }
}

}  // namespace unroll::gather
