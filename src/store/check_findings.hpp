#pragma once
// Findings cross from a child process as lines.
#include <functional>
#include <string>
#include <unordered_set>
#include <vector>

#include "unroll/store/check.hpp"

namespace unroll::store {

[[nodiscard]] std::string encode(const std::vector<Finding>& findings);
[[nodiscard]] std::vector<Finding> decode_findings(const std::string& lines);

/// What `find` finds, in a child with limits for a file.
[[nodiscard]] std::vector<Finding> findings_of_child(const std::string& path,
                                                     const std::function<std::vector<Finding>()>& find);

/// Findings as they come up.
class Findings {
 public:
  void add(Severity severity, const std::string& text) { all_.push_back({severity, text}); }
  /// A line for each of the first names, and how many more there are.
  void add_each(Severity severity, const std::vector<std::string>& names, const std::string& text);
  void append(const std::vector<Finding>& more) { all_.insert(all_.end(), more.begin(), more.end()); }
  [[nodiscard]] std::vector<Finding> take() && { return std::move(all_); }

 private:
  std::vector<Finding> all_;
};

struct FolderState {
  std::vector<Finding> findings;
  std::unordered_set<std::string> safe;  // ids of runs and groups in shards that are whole
};
/// Journals, shards, stages, kept weights and leftovers; results.h5 and telemetry.h5 are not looked at.
[[nodiscard]] FolderState look_at_folder(const std::string& folder, const plan::Plan* plan);

}  // namespace unroll::store
