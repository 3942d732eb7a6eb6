#pragma once
// plan.txt and numerics.txt: what a folder of results belongs to.
#include <optional>
#include <set>
#include <string>

#include "unroll/store/store.hpp"

namespace unroll::store {

/// What the folder says; nullopt when it has no plan.txt. UsageError when a file is damaged or one is missing.
[[nodiscard]] std::optional<Identity> read_identity(const std::string& folder);

/// Plans that the folder's plan was extended from.
[[nodiscard]] std::set<std::string> earlier_plan_ids(const std::string& folder);

}  // namespace unroll::store
