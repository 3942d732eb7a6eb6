#pragma once
// The median distance between N models, with an interval that knows that N(N-1)/2 distances share N models.
#include <cstddef>
#include <cstdint>
#include <vector>

#include "unroll/record/rows.hpp"

namespace unroll::store {

/// A distance between two of N models.
struct ModelPair {
  std::size_t a = 0, b = 0;
  double distance = 0;
};

struct Floor {
  double median = record::kUndefined;
  double low = record::kUndefined, high = record::kUndefined;  // 95 %; undefined for fewer than 3 models
};

/// The median over all pairs of N models, and its interval by bootstrap over models: N(N-1)/2 distances share N models,
/// so each of kNumResamples draws N models with replacement and takes the median over the pairs of different models
/// among them, one drawn k times counting k times (percentile interval; a draw of one model alone is left out).
/// Deterministic: draws are those of RandomStream(seed, "bootstrap over models"). Undefined with fewer than 2 models.
inline constexpr std::uint64_t kNumResamples = 1000;
[[nodiscard]] Floor floor_of(std::size_t num_models, std::vector<ModelPair> pairs, std::uint64_t seed);

}  // namespace unroll::store
