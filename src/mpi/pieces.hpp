#pragma once
// How a long message is cut: MPI 3 counts are int, so no single transfer exceeds kPieceBytes.
#include <cstddef>
#include <vector>

namespace unroll::mpi {

inline constexpr std::size_t kPieceBytes = std::size_t{1} << 30;

struct Piece {
  std::size_t offset = 0;
  int count = 0;  // bytes
};

/// size bytes in pieces of at most piece_bytes, in order; empty for size 0.
[[nodiscard]] std::vector<Piece> pieces(std::size_t size, std::size_t piece_bytes = kPieceBytes);

}  // namespace unroll::mpi
