#include "memory.hpp"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "ranks.hpp"
#include "unroll/base/text.hpp"

namespace unroll::app {
namespace {

/// 0 when the file is not there or holds no number ("max").
std::int64_t number_in(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::string word;
  file >> word;
  return parse_integer(word).value_or(0);
}

std::int64_t smaller_limit(std::int64_t a, std::int64_t b) {
  return a == 0 || b == 0 ? std::max(a, b) : std::min(a, b);
}

}  // namespace

std::int64_t control_group_limit_bytes(const std::string& root) {
  std::ifstream groups(root + "/proc/self/cgroup");
  std::int64_t limit = 0;
  for (std::string line; std::getline(groups, line);) {
    // "0::/a/b" (version 2) or "5:memory:/a/b" (version 1); the group's own limit and those of all above it hold.
    const auto parts = split(line, ':');
    const bool is_v2 = parts.size() == 3 && parts[1].empty();
    const bool is_v1 = parts.size() == 3 && parts[1] == "memory";
    if (!is_v1 && !is_v2) {
      continue;
    }
    const std::string base = root + (is_v2 ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory");
    const std::string file = is_v2 ? "memory.max" : "memory.limit_in_bytes";
    std::filesystem::path group(parts[2]);
    while (true) {
      limit = smaller_limit(limit, number_in(base + group.string() + "/" + file));
      if (!group.has_relative_path()) {
        break;
      }
      group = group.parent_path();
    }
  }
  return limit;
}

std::int64_t memory_per_rank_bytes() {
  const std::int64_t machine = std::int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGE_SIZE);
  return smaller_limit(machine, control_group_limit_bytes("")) / ranks_on_node();
}

}  // namespace unroll::app
