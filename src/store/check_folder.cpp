#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <unordered_set>

#include "check_findings.hpp"
#include "identity.hpp"
#include "shard.hpp"
#include "unroll/base/child.hpp"
#include "unroll/base/error.hpp"
#include "unroll/base/sha256.hpp"
#include "unroll/base/text.hpp"
#include "unroll/base/wording.hpp"
#include "unroll/hdf5/walk.hpp"

namespace unroll::store {
namespace {

namespace fs = std::filesystem;

bool fits(const std::string& path, const JournalRecord& record) {
  const auto bytes = read_file(path);
  return bytes && bytes->size() == record.size_bytes && sha256(std::span<const std::byte>(*bytes)) == record.sha256;
}

std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

void check_identity(const std::string& folder, Findings& findings) {
  try {
    if (!read_identity(folder)) {
      findings.add(Severity::problem, folder + "/plan.txt: is missing; without it the folder is no folder of results");
    }
  } catch (const UsageError& error) {
    findings.add(Severity::problem, error.what());
  }
}

void check_journals(const std::string& folder, Findings& findings) {
  for (const std::string& name : names_in(folder + "/journal")) {
    const auto bytes = name.ends_with(".log") ? read_file(folder + "/journal/" + name) : std::nullopt;
    if (!bytes) {
      continue;
    }
    const std::string_view text(reinterpret_cast<const char*>(bytes->data()), bytes->size());
    const auto lines = split(text, '\n');
    const auto num_lines = static_cast<std::size_t>(
        std::count_if(lines.begin(), lines.end(), [](std::string_view line) { return !line.empty(); }));
    const std::size_t num_records = decode(text).size();
    if (num_lines != num_records) {
      findings.add(Severity::note, "journal/" + name + ": " +
                                       counted(static_cast<std::int64_t>(num_lines - num_records), "record") +
                                       " torn or damaged; nothing to do: shards stand for themselves");
    }
  }
}

// Ids of runs and groups that are safe; what is said of the shards that are not.
std::unordered_set<std::string> check_shards(const std::string& folder, const std::vector<JournalRecord>& journal,
                                             Findings& findings) {
  std::unordered_set<std::string> safe;
  std::set<std::string> whole;
  for_each_shard(folder, journal, [&](const VerifiedShard& shard) {
    whole.insert(shard.name);
    if (shard.runs) {
      safe.insert(shard.runs->begin(), shard.runs->end());
      return;
    }
    const Shard content = read_shard(shard.image, shard.name);
    for (const record::RunRow& run : content.rows.runs) {
      safe.insert(run.run_id);
    }
    for (const record::DistanceRow& row : content.rows.distances) {
      safe.insert(row.group_id);
    }
  });
  std::set<std::string> told;
  for (const JournalRecord& record : journal) {
    if (record.kind != RecordKind::shard || whole.contains(record.name) || !told.insert(record.name).second) {
      continue;
    }
    const auto num_lost = std::count_if(record.runs.begin(), record.runs.end(),
                                        [&](const std::string& run) { return !safe.contains(run); });
    std::error_code error;
    const std::string what = "shards/" + record.name +
                             (fs::exists(folder + "/shards/" + record.name, error) ? ": is damaged" : ": is missing");
    if (num_lost > 0) {
      findings.add(Severity::problem, what + ", and with it " + counted(num_lost, "run") +
                                          "; start the study again to do what is lost again");
    } else {
      findings.add(Severity::note, what + "; nothing to do: other shards hold its runs");
    }
  }
  std::vector<std::string> unknown;
  for (const std::string& name : names_in(folder + "/shards")) {
    if (name.ends_with(".h5") && !name.starts_with('.') && !whole.contains(name) && !told.contains(name)) {
      unknown.push_back("shards/" + name);
    }
  }
  findings.add_each(Severity::problem, unknown,
                    "is damaged, and no journal says what it held; start the study again to do what is missing again");
  return safe;
}

// Where a record's file lies, below the folder.
std::string place_of(const JournalRecord& record) {
  switch (record.kind) {
    case RecordKind::shard:
      return "shards/" + record.name;
    case RecordKind::stage:
      return "stages/" + record.name + ".h5";
    case RecordKind::weights:
      return "weights/kept/" + record.name;
    case RecordKind::checkpoint:
      return "checkpoints/" + record.name;
  }
  return record.name;
}

void check_recorded(const std::string& folder, const std::vector<JournalRecord>& journal, Findings& findings) {
  std::map<RecordKind, std::vector<std::string>> damaged;
  std::error_code error;
  for (const JournalRecord& record : journal) {
    const std::string name = place_of(record);
    if (record.kind != RecordKind::shard && fs::exists(folder + '/' + name, error) &&
        !fits(folder + '/' + name, record)) {
      damaged[record.kind].push_back(name);
    }
  }
  findings.add_each(Severity::problem, damaged[RecordKind::stage],
                    "is damaged; remove it (a run that needs this stage trains it again)");
  findings.add_each(Severity::problem, damaged[RecordKind::weights],
                    "is damaged; remove it (a comparison that needs these weights trains them again)");
  findings.add_each(Severity::problem, damaged[RecordKind::checkpoint],
                    "is damaged; remove it (what it held is trained from the start)");
}

void check_leftovers(const std::string& folder, Findings& findings) {
  std::vector<std::string> left;
  for (const char* part : {"", "shards/", "stages/", "journal/", "weights/", "weights/kept/", "checkpoints/"}) {
    for (const std::string& name : names_in(folder + '/' + part)) {
      if (name.starts_with(".tmp-")) {
        left.push_back(part + name);
      }
    }
  }
  findings.add_each(Severity::note, left, "is left of a write that was cut off; remove it when no run is going on");
}

void check_plan(const plan::Plan& plan, const std::unordered_set<std::string>& safe, Findings& findings) {
  const auto num_left =
      std::count_if(plan.runs.begin(), plan.runs.end(), [&](const plan::Run& run) { return !safe.contains(run.id); });
  const auto num_groups_left = std::count_if(plan.groups.begin(), plan.groups.end(),
                                             [&](const plan::Group& group) { return !safe.contains(group.id); });
  if (num_left > 0 || num_groups_left > 0) {
    findings.add(Severity::unfinished, std::to_string(num_left) + " of " +
                                           counted(static_cast<std::int64_t>(plan.runs.size()), "run") + " and " +
                                           std::to_string(num_groups_left) + " of " +
                                           counted(static_cast<std::int64_t>(plan.groups.size()), "comparison group") +
                                           " are left to do; start the study again");
  }
}

}  // namespace

FolderState look_at_folder(const std::string& folder, const plan::Plan* plan) {
  Findings findings;
  FolderState state;
  const std::vector<JournalRecord> journal = read_journals(folder);
  check_identity(folder, findings);
  check_journals(folder, findings);
  state.safe = check_shards(folder, journal, findings);
  check_recorded(folder, journal, findings);
  check_leftovers(folder, findings);
  if (plan != nullptr) {
    check_plan(*plan, state.safe, findings);
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
