#include "gather/slices.hpp"

#include <algorithm>
#include <cstddef>

#include "unroll/base/block_sum.hpp"

namespace unroll::gather {
namespace {

const Block& at(const std::vector<Block>& blocks, std::int64_t i) { return blocks[static_cast<std::size_t>(i)]; }

}  // namespace

std::vector<Block> blocks_of(const std::vector<std::int64_t>& tensor_sizes) {
  std::vector<Block> blocks;
  std::int64_t offset = 0;
  for (std::size_t tensor = 0; tensor < tensor_sizes.size(); ++tensor) {
    for (std::int64_t begin = 0; begin < tensor_sizes[tensor]; begin += kBlockSize) {
      const std::int64_t size = std::min(kBlockSize, tensor_sizes[tensor] - begin);
      blocks.push_back({static_cast<std::int64_t>(tensor), offset + begin, size, begin == 0});
    }
    offset += tensor_sizes[tensor];
  }
  return blocks;
}

std::vector<BlockRange> slices_of(const std::vector<Block>& blocks, int num_ranks) {
  const auto num_blocks = static_cast<std::int64_t>(blocks.size());
  const std::int64_t total = blocks.empty() ? 0 : blocks.back().offset + blocks.back().size;
  std::vector<BlockRange> slices;
  std::int64_t next = 0;
  for (int rank = 0; rank < num_ranks; ++rank) {
    const std::int64_t begin = next;
    const double end = static_cast<double>(total) * (rank + 1) / num_ranks;
    // A block belongs to the rank in whose share its middle lies.
    while (next < num_blocks &&
           (rank + 1 == num_ranks ||
            static_cast<double>(at(blocks, next).offset) + static_cast<double>(at(blocks, next).size) / 2 <= end)) {
      ++next;
    }
    slices.push_back({begin, next});
  }
  return slices;
}

std::vector<BlockRange> rounds_of(const std::vector<Block>& blocks, BlockRange slice, std::int64_t columns) {
  std::vector<BlockRange> rounds;
  for (std::int64_t i = slice.begin; i < slice.end; ++i) {
    if (rounds.empty() || num_columns(blocks, {rounds.back().begin, i + 1}) > columns) {
      rounds.push_back({i, i});
    }
    rounds.back().end = i + 1;
  }
  return rounds;
}

std::int64_t first_column(const std::vector<Block>& blocks, BlockRange range) {
  return range.begin < range.end ? at(blocks, range.begin).offset : 0;
}

std::int64_t num_columns(const std::vector<Block>& blocks, BlockRange range) {
  return range.begin < range.end
             ? at(blocks, range.end - 1).offset + at(blocks, range.end - 1).size - at(blocks, range.begin).offset
             : 0;
}

std::vector<Segment> segments_of(const std::vector<Block>& blocks, BlockRange slice) {
  std::vector<Segment> segments;
  bool begun_here = false;
  for (std::int64_t i = slice.begin; i < slice.end; ++i) {
    const Block& block = at(blocks, i);
    begun_here = begun_here || block.starts_tensor;
    if (block.starts_tensor || !begun_here) {
      segments.push_back({block.tensor, {i, i}});
    }
    segments.back().blocks.end = i + 1;
  }
  return segments;
}

}  // namespace unroll::gather
