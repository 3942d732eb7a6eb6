#include "memory.hpp"

#include <unistd.h>

#include <algorithm>

#include "control_group.hpp"
#include "ranks.hpp"

namespace unroll::app {

std::int64_t node_memory_bytes() {
  const std::int64_t machine = std::int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGE_SIZE);
  const std::int64_t limit = control_group_limit_bytes("");
  return limit > 0 ? std::min(machine, limit) : machine;
}

std::int64_t memory_per_rank_bytes() { return node_memory_bytes() / ranks_on_node(); }

}  // namespace unroll::app
