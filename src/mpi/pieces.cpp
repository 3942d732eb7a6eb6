#include "pieces.hpp"

#include <algorithm>

namespace unroll::mpi {

std::vector<Piece> pieces(std::size_t size, std::size_t piece_bytes) {
  std::vector<Piece> result;
  for (std::size_t offset = 0; offset < size; offset += piece_bytes) {
    result.push_back({offset, static_cast<int>(std::min(piece_bytes, size - offset))});
  }
  return result;
}

}  // namespace unroll::mpi
