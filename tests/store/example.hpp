#pragma once
// A study of 3 cells and 6 seeds with made-up rows, as a plan, trees and telemetry: no training behind it.
#include <string>
#include <vector>

#include "unroll/config/study.hpp"
#include "unroll/plan/plan.hpp"
#include "unroll/record/rows.hpp"
#include "unroll/store/store.hpp"

namespace unroll::store::example {

/// Cell 0: lr 0.01; cell 1: lr 0.1; cell 2: the control `none`.
[[nodiscard]] config::Study study(std::int64_t num_seeds = 6);
[[nodiscard]] plan::Plan plan(const config::Study& study);
[[nodiscard]] Identity identity(const config::Study& study, const plan::Plan& plan);
/// What the plan's tree leaves: steps 0, 10 and 20 of its run, layers and curves.
[[nodiscard]] record::TreeRecord tree(const plan::Plan& plan, std::size_t index);
[[nodiscard]] record::TelemetryRow telemetry(const plan::Plan& plan, std::size_t index, int rank);

/// Prepares the folder, commits all trees in an attempt, and merges.
void write(const std::string& folder);

}  // namespace unroll::store::example
