#pragma once
// The twin of M (DESIGN 4.10): how far does training carry the smallest difference there is?
#include <cstdint>

#include "unroll/model/layout.hpp"
#include "unroll/plan/plan.hpp"

namespace unroll::execute {

/// w_0 with every weight moved to the next number of its type, up or down by a random bit: bit 0 of
/// RandomStream(seed, "ulp").bits(0, index in the flat vector), 1 is up. Buffers stay. Zero becomes the smallest
/// subnormal number, numbers that are not finite stay what they are.
[[nodiscard]] model::State ulp_twin(const model::State& start, std::uint64_t seed);

/// The seed of a w_0's twin: the first 16 hexadecimal digits of its stage id.
[[nodiscard]] std::uint64_t twin_seed(const plan::Pretraining& pretraining);

}  // namespace unroll::execute
