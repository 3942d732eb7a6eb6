#pragma once
// Noise floors (DESIGN 4.10, METHODS 3.11) from the rows of twins and comparison groups. Pure.
#include <vector>

#include "collected.hpp"
#include "model_bootstrap.hpp"
#include "unroll/plan/plan.hpp"

namespace unroll::store {

/// Below so many times floor (0) a verification error is no measurement.
inline constexpr double kFloorFactor = 3;

/// A row for each row of /pairs, in plan order; none for a study without [noise].
[[nodiscard]] std::vector<record::FloorRow> floor_rows(const plan::Plan& plan, const Collected& collected);

}  // namespace unroll::store
