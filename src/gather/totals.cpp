#include "gather/totals.hpp"

#include <algorithm>
#include <utility>

#include "gather/error_bounds.hpp"
#include "unroll/base/block_sum.hpp"

namespace unroll::gather {
namespace {

PairSums zeros(std::size_t count) { return {std::vector<double>(count), std::vector<double>(count)}; }

std::size_t count_of(const Request& request) {
  return request.all_pairs ? static_cast<std::size_t>(num_pairs(request.num_models)) : 0;
}

void add(PairSums& to, const PairSums& from) {
  for (std::size_t i = 0; i < to.squared.size(); ++i) {
    to.squared[i] += from.squared[i];
    to.bound[i] += from.bound[i];
  }
}

/// `num_sums` additions may have moved each sum by a rounding.
void widen(PairSums& sums, std::int64_t num_sums) {
  for (std::size_t i = 0; i < sums.squared.size(); ++i) {
    sums.bound[i] += 1.01 * static_cast<double>(num_sums) * kUnit * sums.squared[i];
  }
}

}  // namespace

Sums::Sums(const Request& request) : all(zeros(count_of(request))), direct(zeros(request.direct.size())) {}

Sums& Sums::operator+=(const Sums& other) {
  add(all, other.all);
  add(direct, other.direct);
  return *this;
}

void Sums::clear() {
  for (std::vector<double>* values : {&all.squared, &all.bound, &direct.squared, &direct.bound}) {
    std::fill(values->begin(), values->end(), 0.0);
  }
}

std::int64_t Sums::memory_bytes(const Request& request) {
  return static_cast<std::int64_t>(2 * sizeof(double) * (count_of(request) + request.direct.size()));
}

SliceSums::SliceSums(const Request& request, const std::vector<Block>& blocks, BlockRange slice, Done done)
    : request_(request),
      segments_(segments_of(blocks, slice)),
      done_(std::move(done)),
      sums_(request),
      block_(slice.begin) {}

void SliceSums::end_block() {
  ++block_;
  const Segment& segment = segments_[segment_];
  if (block_ < segment.blocks.end) {
    return;
  }
  done_(segment, sums_);
  ++segment_;
  if (segment_ == segments_.size()) {
    return;
  }
  if (sums_.all.squared.size() == count_of(request_) && sums_.direct.squared.size() == request_.direct.size()) {
    sums_.clear();
  } else {
    sums_ = Sums(request_);
  }
}

Totals::Totals(const Request& request) : request_(request), tensor_(request), total_(request) {
  if (request.layers) {
    distances_.all_layers.reserve(request.tensor_sizes.size());
    distances_.direct_layers.reserve(request.tensor_sizes.size());
  }
}

void Totals::end_tensor() {
  total_ += tensor_;
  if (request_.layers) {
    const std::int64_t size = request_.tensor_sizes[static_cast<std::size_t>(current_)];
    const std::int64_t num_blocks = (size + kBlockSize - 1) / kBlockSize;
    widen(tensor_.all, num_blocks);
    widen(tensor_.direct, num_blocks);
    distances_.all_layers.push_back(tensor_.all);
    distances_.direct_layers.push_back(tensor_.direct);
  }
  tensor_.clear();
  ++current_;
}

void Totals::add(std::int64_t tensor, const Sums& segment) {
  while (current_ < tensor) {
    end_tensor();
  }
  tensor_ += segment;
}

Distances Totals::finish(std::int64_t num_blocks) {
  const auto num_tensors = static_cast<std::int64_t>(request_.tensor_sizes.size());
  while (current_ < num_tensors) {
    end_tensor();
  }
  widen(total_.all, num_blocks + num_tensors);
  widen(total_.direct, num_blocks + num_tensors);
  distances_.all = std::move(total_.all);
  distances_.direct = std::move(total_.direct);
  return std::move(distances_);
}

}  // namespace unroll::gather
