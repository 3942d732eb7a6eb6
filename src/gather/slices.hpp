#pragma once
// Which blocks there are, which rank measures which, and in how many rounds. Pure arithmetic: every rank computes the
// same from the same request.
#include <cstdint>
#include <vector>

namespace unroll::gather {

/// Up to kBlockSize parameters of one tensor.
struct Block {
  std::int64_t tensor = 0;
  std::int64_t offset = 0;  // in a row
  std::int64_t size = 0;
  bool starts_tensor = false;
};

/// Blocks [begin, end), which are neighbours in a row too.
struct BlockRange {
  std::int64_t begin = 0, end = 0;
};

/// In the order of a row. Tensors of size 0 have none.
[[nodiscard]] std::vector<Block> blocks_of(const std::vector<std::int64_t>& tensor_sizes);

/// One range a rank, in order, of about equally many parameters; some are empty if there are fewer blocks than ranks.
[[nodiscard]] std::vector<BlockRange> slices_of(const std::vector<Block>& blocks, int num_ranks);

/// The range cut, in order, so that no part but one of a single block has more than `columns` parameters.
[[nodiscard]] std::vector<BlockRange> rounds_of(const std::vector<Block>& blocks, BlockRange slice,
                                                std::int64_t columns);

/// Of a row: where the range starts, and how many parameters it has.
[[nodiscard]] std::int64_t first_column(const std::vector<Block>& blocks, BlockRange range);
[[nodiscard]] std::int64_t num_columns(const std::vector<Block>& blocks, BlockRange range);

/// A chain of sums as it leaves a rank: all blocks of a tensor that starts in the slice, in order; of a tensor that an
/// earlier rank has begun, each block by itself, since its chain goes on from there.
struct Segment {
  std::int64_t tensor = 0;
  BlockRange blocks;
};
[[nodiscard]] std::vector<Segment> segments_of(const std::vector<Block>& blocks, BlockRange slice);

}  // namespace unroll::gather
