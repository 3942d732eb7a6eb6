#include "gather/slices.hpp"

#include "support/catch.hpp"
#include "unroll/base/block_sum.hpp"

using namespace unroll::gather;

namespace {

const std::vector<std::int64_t> kSizes = {7, 0, 3 * unroll::kBlockSize + 5, unroll::kBlockSize, 1, 1, 200'000};

}  // namespace

TEST_CASE("blocks cover every parameter once, in order, and never two tensors") {
  const std::vector<Block> blocks = blocks_of(kSizes);

  std::int64_t next = 0, tensor_end = 0;
  for (const Block& block : blocks) {
    CHECK(block.offset == next);
    CHECK(block.size >= 1);
    CHECK(block.size <= unroll::kBlockSize);
    next += block.size;
    CHECK(block.starts_tensor == (block.offset == tensor_end));
    if (block.starts_tensor) {
      tensor_end = block.offset + kSizes[static_cast<std::size_t>(block.tensor)];
    }
    CHECK(next <= tensor_end);
  }
  CHECK(next == 7 + 4 * unroll::kBlockSize + 5 + 2 + 200'000);
}

TEST_CASE("slices are all blocks in order, none twice, for fewer and for more ranks than blocks") {
  const std::vector<Block> blocks = blocks_of(kSizes);
  for (const int ranks : {1, 2, 3, 4, 64}) {
    const std::vector<BlockRange> slices = slices_of(blocks, ranks);

    REQUIRE(static_cast<int>(slices.size()) == ranks);
    std::int64_t next = 0;
    for (const BlockRange& slice : slices) {
      CHECK(slice.begin == next);
      CHECK(slice.end >= slice.begin);
      next = slice.end;
    }
    CHECK(next == static_cast<std::int64_t>(blocks.size()));
  }
}

TEST_CASE("slices of a large model differ by less than a block") {
  const std::vector<Block> blocks = blocks_of({20'000'000, 100, 30'000'000});

  for (const BlockRange& slice : slices_of(blocks, 8)) {
    CHECK(std::abs(num_columns(blocks, slice) - 50'000'100 / 8) <= unroll::kBlockSize);
  }
}

TEST_CASE("rounds cover the slice in order and keep to their width") {
  const std::vector<Block> blocks = blocks_of(kSizes);
  const BlockRange slice{2, static_cast<std::int64_t>(blocks.size())};
  for (const std::int64_t width : {std::int64_t{1}, unroll::kBlockSize, 2 * unroll::kBlockSize}) {
    std::int64_t next = slice.begin;
    for (const BlockRange& round : rounds_of(blocks, slice, width)) {
      CHECK(round.begin == next);
      CHECK((round.end == round.begin + 1 || num_columns(blocks, round) <= width));
      next = round.end;
    }
    CHECK(next == slice.end);
  }
}

TEST_CASE("a tensor that an earlier slice began leaves block by block, others as one segment") {
  const std::vector<Block> blocks = blocks_of({3 * unroll::kBlockSize, 10, 2 * unroll::kBlockSize});

  const std::vector<Segment> first = segments_of(blocks, {0, 1});
  const std::vector<Segment> rest = segments_of(blocks, {1, 6});

  CHECK(first.size() == 1);
  REQUIRE(rest.size() == 4);
  CHECK(rest[0].blocks.end == 2);
  CHECK(rest[1].blocks.end == 3);
  CHECK(rest[2].tensor == 1);
  CHECK(rest[3].tensor == 2);
  CHECK(rest[3].blocks.end == 6);
}
