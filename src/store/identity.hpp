#pragma once
// plan.txt and numerics.txt: what a folder of results belongs to.
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "unroll/store/store.hpp"

namespace unroll::store {

[[nodiscard]] std::string plan_path(const std::string& folder);
[[nodiscard]] std::string plans_folder(const std::string& folder);
[[nodiscard]] std::string numerics_path(const std::string& folder);
/// What the files hold.
[[nodiscard]] std::string plan_text(const Identity& identity);
[[nodiscard]] std::string numerics_text(const Identity& identity);

enum class FileState { whole, missing, damaged };

/// The two files as they are there.
struct IdentityFiles {
  FileState plan = FileState::missing;
  FileState numerics = FileState::missing;
  Identity identity;  // of those that are whole
};
[[nodiscard]] IdentityFiles look_at_identity(const std::string& folder);

/// What the folder says; nullopt when it has no plan.txt. UsageError when a file is damaged, or numerics.txt is
/// missing.
[[nodiscard]] std::optional<Identity> read_identity(const std::string& folder);

/// Plans that the folder's plan was extended from.
[[nodiscard]] std::set<std::string> earlier_plan_ids(const std::string& folder);
/// Names in DIR/plans of files that are no whole plans.
[[nodiscard]] std::vector<std::string> damaged_plans(const std::string& folder);

/// Whether a folder whose files are not both whole may be taken for that of `here`: all its shards are of this plan or
/// of one that it was extended from, and of these numerics. UsageError when it may not, or when nobody can know.
void require_shards_of(const std::string& folder, const IdentityFiles& there, const Identity& here);

}  // namespace unroll::store
