#pragma once
// The numbers behind `unroll plan`, once for the text and once for the JSON.
#include <cstdint>

#include "unroll/plan/plan.hpp"

namespace unroll::plan {

struct Summary {
  std::int64_t num_pretrainings = 0;  // that train
  std::int64_t num_starts = 0;        // distinct w_0
  std::int64_t num_originals = 0;     // M: trees
  std::int64_t num_retrained = 0;     // M' beside their M
  std::int64_t num_repeats = 0;       // M trained again, for the control none
  std::int64_t max_lanes_of_tree = 0;
  std::int64_t max_steps = 0;
  double critical_s = 0;
};
[[nodiscard]] Summary summarise(const Plan& plan);

}  // namespace unroll::plan
