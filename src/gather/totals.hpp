#pragma once
// Sums of blocks become sums of tensors, and those the total, in index order: the chain of additions is the same
// however the blocks were spread.
#include <functional>
#include <vector>

#include "gather/slices.hpp"
#include "unroll/gather/gather.hpp"

namespace unroll::gather {

/// Of one segment, of one tensor, or of all.
struct Sums {
  PairSums all, direct;

  Sums() = default;
  explicit Sums(const Request& request);
  Sums& operator+=(const Sums& other);
  void clear();
  [[nodiscard]] static std::int64_t memory_bytes(const Request& request);
};

/// Cuts what is measured on the blocks of a slice, one by one in order, into segments, and hands each on when its last
/// block is done.
class SliceSums {
 public:
  using Done = std::function<void(const Segment&, Sums&)>;  // may take the sums away
  SliceSums(const Request& request, const std::vector<Block>& blocks, BlockRange slice, Done done);

  /// What the next block's distances are to be added to.
  [[nodiscard]] Sums& open() { return sums_; }
  void end_block();

 private:
  const Request& request_;
  std::vector<Segment> segments_;
  Done done_;
  Sums sums_;
  std::size_t segment_ = 0;
  std::int64_t block_;
};

class Totals {
 public:
  explicit Totals(const Request& request);
  /// Segments in the order of their blocks.
  void add(std::int64_t tensor, const Sums& segment);
  [[nodiscard]] Distances finish(std::int64_t num_blocks);

 private:
  void end_tensor();
  const Request& request_;
  Sums tensor_, total_;
  std::int64_t current_ = 0;
  Distances distances_;
};

}  // namespace unroll::gather
