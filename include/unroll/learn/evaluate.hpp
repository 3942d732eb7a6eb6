#pragma once
// Outputs of one model on rows of the data, and BatchNorm statistics estimated anew.
#include <torch/types.h>

#include <cstdint>
#include <span>

#include "unroll/data/resident.hpp"
#include "unroll/model/network.hpp"

namespace unroll::learn {

/// Logits [rows, C], on the data's device, in evaluation mode (running statistics), by chunks of 256 rows: a chunk's
/// bits depend on its rows and their number alone.
[[nodiscard]] torch::Tensor evaluate(const model::Network& network, const model::State& state,
                                     const data::ResidentData& data, data::Part part,
                                     std::span<const std::int64_t> rows);

/// The same with BatchNorm statistics of each `batch` consecutive rows (the last may be fewer); buffers stay.
[[nodiscard]] torch::Tensor evaluate_by_batch(const model::Network& network, const model::State& state,
                                              const data::ResidentData& data, data::Part part,
                                              std::span<const std::int64_t> rows, std::size_t batch);

/// Buffers [S] whose running statistics are the averages over the chunks of `rows` at these weights (every chunk
/// counts the same; a last chunk shorter than half is left out unless it is the only one).
[[nodiscard]] torch::Tensor reestimated_buffers(const model::Network& network, const model::State& state,
                                                const data::ResidentData& data, std::span<const std::int64_t> rows);

}  // namespace unroll::learn
