// Journals, and what they say was committed.
#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "check_findings.hpp"
#include "shard.hpp"
#include "unroll/base/sha256.hpp"
#include "unroll/base/text.hpp"
#include "unroll/base/wording.hpp"
#include "unroll/store/kept_weights.hpp"

namespace unroll::store {
namespace {

namespace fs = std::filesystem;

bool fits(const std::string& path, const JournalRecord& record) {
  const auto bytes = read_file(path);
  return bytes && bytes->size() == record.size_bytes && sha256(std::span<const std::byte>(*bytes)) == record.sha256;
}

// "r00000-a0001-000001-<digest>.h5": the journal of the writer that gave the name.
std::string journal_of(const std::string& name) {
  return "journal/" + name.substr(0, name.find('-', name.find('-') + 1)) + ".log";
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

// Files of stages, kept weights and checkpoints in a folder of the results; what no journal names.
std::vector<std::string> unrecorded_files(const std::string& folder, const std::set<std::string>& recorded) {
  std::vector<std::string> names;
  for (const auto& [part, ending] :
       {std::pair("stages/", ".h5"), {"weights/kept/", ".h5"}, {"checkpoints/", ".ckpt"}}) {
    for (const std::string& name : sorted_files(folder + '/' + part, ending)) {
      if (!recorded.contains(part + name)) {
        names.push_back(part + name);
      }
    }
  }
  return names;
}

}  // namespace

std::vector<JournalRecord> check_journals(const std::string& folder, Findings& findings) {
  return read_journals(folder, [&](const std::string& name, std::size_t num_bad) {
    findings.add(Severity::note, "journal/" + name + ": " + counted(static_cast<std::int64_t>(num_bad), "record") +
                                     " torn or damaged; nothing to do: shards stand for themselves");
  });
}

std::unordered_set<std::string> check_shards(const std::string& folder, const std::vector<JournalRecord>& journal,
                                             Findings& findings) {
  std::unordered_set<std::string> safe;
  std::set<std::string> whole;
  std::map<std::string, std::int64_t> unrecorded;  // shards, by journal
  for_each_shard(folder, journal, [&](const VerifiedShard& shard) {
    whole.insert(shard.name);
    if (shard.runs) {
      safe.insert(shard.runs->begin(), shard.runs->end());
      return;
    }
    ++unrecorded[journal_of(shard.name)];
    const Shard content = read_shard(shard.image, shard.name);
    for (const record::RunRow& run : content.rows.runs) {
      safe.insert(run.run_id);
    }
    for (const record::DistanceRow& row : content.rows.distances) {
      safe.insert(row.group_id);
    }
  });
  for (const auto& [name, count] : unrecorded) {
    findings.add(Severity::note, name + ": has no record of " + counted(count, "shard") +
                                     "; nothing to do: shards stand for themselves");
  }
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
  for (const std::string& name : sorted_files(folder + "/shards", ".h5")) {
    if (!whole.contains(name) && !told.contains(name)) {
      unknown.push_back("shards/" + name);
    }
  }
  findings.add_each(Severity::problem, unknown,
                    "is damaged, and no journal says what it held; start the study again to do what is missing again");
  return safe;
}

void check_recorded(const std::string& folder, const std::vector<JournalRecord>& journal, Findings& findings) {
  std::map<RecordKind, std::vector<std::string>> damaged;
  std::vector<std::string> lost;  // others go when they are not needed any more
  std::set<std::string> recorded;
  std::error_code error;
  for (const JournalRecord& record : journal) {
    const std::string name = place_of(record);
    if (record.kind == RecordKind::shard || !recorded.insert(name).second) {
      continue;
    }
    if (!fs::exists(folder + '/' + name, error)) {
      record.kind == RecordKind::stage ? lost.push_back(name) : void();
    } else if (!fits(folder + '/' + name, record)) {
      damaged[record.kind].push_back(name);
    }
  }
  findings.add_each(Severity::problem, damaged[RecordKind::stage],
                    "is damaged; remove it (a run that needs this stage trains it again)");
  findings.add_each(Severity::problem, damaged[RecordKind::weights],
                    "is damaged; remove it (a comparison that needs these weights trains them again)");
  findings.add_each(Severity::problem, damaged[RecordKind::checkpoint],
                    "is damaged; remove it (what it held is trained from the start)");
  findings.add_each(Severity::note, lost, "is missing; nothing to do (a run that needs this stage trains it again)");
  findings.add_each(Severity::note, unrecorded_files(folder, recorded),
                    "is in no journal, so nobody knows if it is whole; nothing to do (what needs it is trained again)");
}

void check_kept(const std::string& folder, const plan::Plan& plan, const std::unordered_set<std::string>& safe,
                Findings& findings) {
  std::unordered_set<std::string> needed;
  for (const plan::Group& group : plan.groups) {
    for (const plan::Member& member : group.members) {
      const plan::Model& model = plan.models[member.model];
      for (const std::int64_t step : safe.contains(group.id) ? std::vector<std::int64_t>() : model.steps) {
        needed.insert(kept_name(model.id, step));
      }
    }
  }
  std::vector<std::string> lost;
  std::error_code error;
  for (const KeptFile& file : recorded_files(folder)) {
    const bool is_there = fs::exists(kept_folder(folder) + '/' + file.name, error);
    if (!is_there &&
        std::any_of(file.names.begin(), file.names.end(), [&](const auto& n) { return needed.contains(n); })) {
      lost.push_back("weights/kept/" + file.name);
    }
  }
  findings.add_each(Severity::problem, lost,
                    "is missing; start the study again to train what a comparison needs of it");
}

}  // namespace unroll::store
