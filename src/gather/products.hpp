#pragma once
// The products of all pairs of rows, in double: the inner loop of all-pairs distances. One chain of fused multiply-adds
// a way and chunk for every pair, so a pair's bits depend on its two rows alone: not on the number of rows, the tiles
// or the instruction set.
//
// Rows are stored kStride doubles apart, kChunk of them used, zeros behind the end of the data; their number is padded
// to a multiple of kTile by rows of zeros. Sums are stored by tiles of kTile x kTile pairs, the tiles (I, J), I <= J,
// in the order (0,0), (0,1), ..., (1,1), (1,2), ...; a pair has kWays sums.
#include <cstdint>

namespace unroll::gather {

inline constexpr std::int64_t kChunk = 512, kTile = 4, kSumWays = 8;
/// From one row to the next, in doubles: rows a power of two apart would compete for the same lines of the cache.
inline constexpr std::int64_t kStride = kChunk + 8;

/// sums += products of rows over the first `length` columns, a multiple of kSumWays.
using AddProducts = void (*)(std::int64_t num_tiles, const double* rows, std::int64_t length, double* sums);

/// The fastest build that this machine runs.
[[nodiscard]] AddProducts add_products();
[[nodiscard]] const char* product_instruction_set();

/// Where the kSumWays sums of the pair i <= j start.
[[nodiscard]] inline std::int64_t sums_of_pair(std::int64_t num_tiles, std::int64_t i, std::int64_t j) {
  const std::int64_t tile_i = i / kTile, tile_j = j / kTile;
  const std::int64_t tile = tile_i * num_tiles - tile_i * (tile_i - 1) / 2 + tile_j - tile_i;
  return (tile * kTile * kTile + i % kTile * kTile + j % kTile) * kSumWays;
}
[[nodiscard]] inline std::int64_t num_sums(std::int64_t num_tiles) {
  return num_tiles * (num_tiles + 1) / 2 * kTile * kTile * kSumWays;
}

}  // namespace unroll::gather
