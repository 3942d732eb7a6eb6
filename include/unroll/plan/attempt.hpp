#pragma once
// What ranks take in one attempt at a study: the items of its plan, less what earlier attempts finished, and with trees
// that are too large for one rank divided by their forks. Each part trains M (its trunk) again and measures its own
// forks only, so that a pair never crosses ranks.
//
// Whether and how a tree is divided depends on the ranks and on what is left: placement, which is in no id and changes
// no row. Pure: every rank comes to the same items.
#include <cstddef>
#include <vector>

#include "unroll/plan/plan.hpp"

namespace unroll::plan {

struct Finished {
  std::vector<bool> runs;      // by Plan::runs
  std::vector<bool> stages;    // by Plan::items: pretrainings and repeats whose stage is kept
  std::vector<bool> models{};  // by Plan::models: weights are kept, or every group that needs them is compared
};

struct Attempt {
  std::vector<Item>
      items;               // the pretrainings and repeats of Plan::items at their places, then trees and parts of trees
  std::vector<bool> done;  // by item: nothing is left of it, or nothing that is left needs it
};

/// A tree is divided where that makes the estimated end of the whole study at least 3 % earlier. Error: sizes that are
/// not the plan's, num_ranks < 1.
[[nodiscard]] Attempt make_attempt(const Plan& plan, const Finished& finished, int num_ranks);

}  // namespace unroll::plan
