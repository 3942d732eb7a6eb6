#include "control_group.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <vector>

#include "unroll/base/text.hpp"

namespace unroll::app {
namespace {

/// The first words of a file; none when it is not there.
std::vector<double> numbers_in(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::vector<double> numbers;
  for (std::string word; file >> word && parse_real(word);) {
    numbers.push_back(*parse_real(word));
  }
  return numbers;
}

double smaller_limit(double a, double b) { return a == 0 || b == 0 ? std::max(a, b) : std::min(a, b); }

/// The least limit that `limit_of` (0: none) finds in the folder of this process's group for a controller, or above it.
double least_limit(const std::string& root, std::string_view controller,
                   const std::function<double(const std::string& folder, bool is_v2)>& limit_of) {
  std::ifstream groups(root + "/proc/self/cgroup");
  double limit = 0;
  for (std::string line; std::getline(groups, line);) {
    // "0::/a/b" (version 2) or "5:cpu,cpuacct:/a/b" (version 1).
    const auto parts = split(line, ':');
    const auto controllers = parts.size() == 3 ? split(parts[1], ',') : std::vector<std::string_view>();
    const bool is_v2 = parts.size() == 3 && parts[1].empty();
    if (!is_v2 && std::find(controllers.begin(), controllers.end(), controller) == controllers.end()) {
      continue;
    }
    const std::string base = root + "/sys/fs/cgroup" + (is_v2 ? "" : "/" + std::string(controller));
    std::filesystem::path group(parts[2]);
    while (true) {
      limit = smaller_limit(limit, limit_of(base + group.string(), is_v2));
      if (!group.has_relative_path()) {
        break;
      }
      group = group.parent_path();
    }
  }
  return limit;
}

double first_or_none(const std::vector<double>& numbers) { return numbers.empty() ? 0 : numbers.front(); }

}  // namespace

std::int64_t control_group_limit_bytes(const std::string& root) {
  return static_cast<std::int64_t>(least_limit(root, "memory", [](const std::string& folder, bool is_v2) {
    return std::min(first_or_none(numbers_in(folder + (is_v2 ? "/memory.max" : "/memory.limit_in_bytes"))), 9e18);
  }));
}

double control_group_cpus(const std::string& root) {
  return least_limit(root, "cpu", [](const std::string& folder, bool is_v2) {
    std::vector<double> numbers = numbers_in(folder + (is_v2 ? "/cpu.max" : "/cpu.cfs_quota_us"));
    if (!is_v2) {
      numbers.push_back(first_or_none(numbers_in(folder + "/cpu.cfs_period_us")));
    }
    // Quota and period in microseconds; "max" or -1 is none.
    return numbers.size() == 2 && numbers[0] > 0 && numbers[1] > 0 ? numbers[0] / numbers[1] : 0.0;
  });
}

}  // namespace unroll::app
