#pragma once
// Noise floors (DESIGN 4.10, METHODS 3.11) from the rows of twins and comparison groups. Pure.
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "collected.hpp"
#include "unroll/plan/plan.hpp"

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

/// Below so many times floor (0) a verification error is no measurement.
inline constexpr double kFloorFactor = 3;

/// A row for each row of /pairs, in plan order; none for a study without [noise].
[[nodiscard]] std::vector<record::FloorRow> floor_rows(const plan::Plan& plan, const Collected& collected);

}  // namespace unroll::store
