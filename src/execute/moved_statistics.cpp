#include "execute/moved_statistics.hpp"

#include "unroll/model/archive.hpp"

namespace unroll::execute {
namespace {
constexpr double kKept = 0.9;  // of the statistics before a batch (model/conv_network.cpp, BatchNorm's momentum 0.1)
}

void MovedStatistics::after_step(const model::Network& network, const data::ResidentData& data,
                                 const model::State& original, const std::vector<std::int64_t>& rows) {
  const torch::NoGradGuard no_grad;
  if (apart_.defined()) {
    apart_ = apart_ * kKept;
  }
  if (rows.empty()) {
    return;
  }
  const auto buffers = of(original).buffers.clone();
  (void)network.logits(network.views(original.weights), buffers, data.inputs(data::Part::train, rows),
                       model::Statistics::update);
  apart_ = buffers.to(torch::kFloat64) - original.buffers;
}

model::State MovedStatistics::of(const model::State& original) const {
  if (!apart_.defined()) {
    return original;
  }
  const auto moved = original.buffers.to(torch::kFloat64) + apart_.to(original.buffers.device());
  return {original.weights, moved.to(original.buffers.scalar_type())};
}

void MovedStatistics::transfer(Archive& archive) { archive(apart_); }

}  // namespace unroll::execute
