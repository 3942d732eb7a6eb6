#include <algorithm>
#include <filesystem>
#include <unordered_set>

#include "check_findings.hpp"
#include "identity.hpp"
#include "shard.hpp"
#include "unroll/base/child.hpp"
#include "unroll/base/text.hpp"
#include "unroll/base/wording.hpp"
#include "unroll/hdf5/walk.hpp"

namespace unroll::store {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

void check_identity(const std::string& folder, const plan::Plan* plan, Findings& findings) {
  const IdentityFiles files = look_at_identity(folder);
  const auto check = [&](const std::string& path, FileState state) {
    if (state != FileState::whole) {
      findings.add(Severity::problem,
                   path + (state == FileState::missing ? ": is missing" : ": is damaged or of another version") +
                       "; start the study again, which writes it again");
    }
  };
  check(plan_path(folder), files.plan);
  check(numerics_path(folder), files.numerics);
  if (plan != nullptr && files.plan == FileState::whole && files.identity.plan_id != plan->id) {
    findings.add(Severity::problem,
                 plan_path(folder) +
                     ": is of another plan than study.ini and sets.txt there give now; were they, or "
                     "files that they name, changed?");
  }
  std::vector<std::string> damaged;
  for (const std::string& name : damaged_plans(folder)) {
    damaged.push_back("plans/" + name);
  }
  findings.add_each(Severity::problem, damaged,
                    "is damaged, and with it what the study was extended from; fetch it again from a copy");
}

void check_leftovers(const std::string& folder, Findings& findings) {
  std::vector<std::string> left;
  for (const char* part :
       {"", "shards/", "stages/", "journal/", "weights/", "weights/kept/", "checkpoints/", "attempts/"}) {
    for (const std::string& name : names_in(folder + '/' + part)) {
      if (name.starts_with(".tmp-")) {
        left.push_back(part + name);
      }
    }
  }
  findings.add_each(Severity::note, left, "is left of a write that was cut off; remove it when no run is going on");
}

struct Count {
  std::int64_t left = 0;
  std::int64_t all = 0;
};

/// Of runs or groups that are asked for, by their indices; no such list: all are.
template <typename Planned>
Count count_left(const std::vector<Planned>& planned, const std::vector<bool>* wanted,
                 const std::unordered_set<std::string>& safe) {
  Count count;
  for (std::size_t i = 0; i < planned.size(); ++i) {
    const bool is_wanted = wanted == nullptr || (*wanted)[i];
    count.all += is_wanted;
    count.left += is_wanted && !safe.contains(planned[i].id);
  }
  return count;
}

void check_plan(const plan::Plan& plan, const plan::ChunkShare* share, const std::unordered_set<std::string>& safe,
                Findings& findings) {
  const Count runs = count_left(plan.runs, share == nullptr ? nullptr : &share->runs, safe);
  const Count groups = count_left(plan.groups, share == nullptr ? nullptr : &share->groups, safe);
  if (runs.left > 0 || groups.left > 0) {
    findings.add(Severity::unfinished,
                 std::to_string(runs.left) + " of " + counted(runs.all, "run") + " and " + std::to_string(groups.left) +
                     " of " + counted(groups.all, "comparison group") + " are left to do; start the study again");
  }
}

}  // namespace

FolderState look_at_folder(const std::string& folder, const plan::Plan* plan, const plan::ChunkShare* share) {
  Findings findings;
  FolderState state;
  check_identity(folder, plan, findings);
  check_attempts(folder, findings);
  const std::vector<JournalRecord> journal = check_journals(folder, findings);
  state.safe = check_shards(folder, journal, findings);
  check_recorded(folder, journal, findings);
  if (plan != nullptr) {
    check_kept(folder, *plan, state.safe, findings);
  }
  check_leftovers(folder, findings);
  if (plan != nullptr) {
    check_plan(*plan, share, state.safe, findings);
  }
  state.findings = std::move(findings).take();
  return state;
}

void walk_shards(const std::string& folder) {
  (void)in_child(folder, limits_for(folder), [&] {
    for_each_shard(folder, read_journals(folder),
                   [](const VerifiedShard& shard) { hdf5::look_at_tables(shard.image, shard.name); });
    return std::string();
  });
}

}  // namespace unroll::store
