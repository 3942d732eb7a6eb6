#pragma once
// A study that grows: what a new plan has beyond an old one whose results are kept. Pure.
#include <cstddef>
#include <string>
#include <vector>

#include "unroll/plan/plan.hpp"

namespace unroll::plan {

struct Extension {
  std::vector<std::size_t> lost;  // into the old plan's runs: those that the new one has not
  std::size_t num_added_runs = 0;
  std::size_t num_added_groups = 0;  // comparison groups
  /// Models that groups of the old plan had already and that the added ones compare too: their weights went when the
  /// old groups were compared, so they are trained again.
  std::size_t num_models_again = 0;
};

[[nodiscard]] Extension extension(const Plan& old_plan, const Plan& new_plan);

/// "40 runs are there, 20 are added; ..." in one line.
[[nodiscard]] std::string describe(const Extension& extension, const Plan& new_plan);

}  // namespace unroll::plan
