#pragma once
// Work that was in hand when an attempt died, by what its event logs say (events.hpp): what a rank took, and neither
// finished nor gave back. An attempt that wrote how it ended left nothing in hand.
//
//   take <name>,<name>,...   in hand; try: the same, of a part of what was taken
//   suspect <name>           what is taken next is a suspect, and alone
//   done <name> ...          finished; fail: failed, and that is committed
//   back                     nothing is in hand any more
#include <cstdint>
#include <string>
#include <unordered_map>

namespace unroll::store {

/// By name, how often it died alone: as a suspect, with nothing else in any hand. A tree of which some forks were in
/// hand, "tree:<id>:0+2", is here as "tree:<id>:0" and "tree:<id>:2".
using Suspects = std::unordered_map<std::string, std::int64_t>;

/// Of the attempts after `after` and before `before`.
[[nodiscard]] Suspects suspects(const std::string& folder, std::int64_t after, std::int64_t before);

}  // namespace unroll::store
