#pragma once
// The row of a run as far as the plan knows it: all but how it ended.
#include "unroll/plan/plan.hpp"
#include "unroll/record/rows.hpp"

namespace unroll::record {

[[nodiscard]] RunRow planned_run(const plan::Plan& plan, const plan::Run& run);

}  // namespace unroll::record
