#pragma once
// Findings cross from a child process as lines.
#include <functional>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "journal.hpp"
#include "unroll/plan/chunk.hpp"
#include "unroll/store/check.hpp"
#include "unroll/store/chunks.hpp"

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
/// All of a folder but results.h5 and telemetry.h5. share: of a chunk; nullptr: the folder is for the whole plan.
[[nodiscard]] FolderState look_at_folder(const std::string& folder, const plan::Plan* plan,
                                         const plan::ChunkShare* share);
/// The same in a child with limits: HDF5 reads what may be damaged.
[[nodiscard]] FolderState look_in_child(const std::string& folder, const plan::Plan* plan,
                                        const plan::ChunkShare* share);
/// All good records.
[[nodiscard]] std::vector<JournalRecord> check_journals(const std::string& folder, Findings& findings);
/// Ids of runs and groups that are safe; shards that are not are said.
[[nodiscard]] std::unordered_set<std::string> check_shards(const std::string& folder,
                                                           const std::vector<JournalRecord>& journal,
                                                           Findings& findings);
/// Stages, kept weights and checkpoints.
void check_recorded(const std::string& folder, const std::vector<JournalRecord>& journal, Findings& findings);
/// Weights that groups which are not safe need, and that are gone.
void check_kept(const std::string& folder, const plan::Plan& plan, const std::unordered_set<std::string>& safe,
                Findings& findings);
/// Owner records, heartbeats, events and outcomes.
void check_attempts(const std::string& folder, Findings& findings);
/// look_in_child for all chunks of a folder that is cut into some: what was found, each with its chunk before it.
[[nodiscard]] FolderState look_at_chunks(const std::string& folder, const Chunks& chunks, const plan::Plan* plan);
/// The share of a folder that is a chunk itself (chunks/<i>-of-<n>); nullopt: it is none, or the plan has none so.
[[nodiscard]] std::optional<plan::ChunkShare> share_at(const std::string& folder, const plan::Plan* plan);

}  // namespace unroll::store
