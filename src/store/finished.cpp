#include <filesystem>
#include <map>

#include "digest.hpp"
#include "shard.hpp"
#include "stage_file.hpp"
#include "unroll/base/error.hpp"
#include "unroll/base/text.hpp"
#include "unroll/base/wording.hpp"
#include "unroll/store/checkpoints.hpp"
#include "unroll/store/kept_weights.hpp"
#include "unroll/store/store.hpp"

namespace unroll::store {
namespace {

constexpr std::size_t kMaxNamed = 10;

/// Names of one sort, for one line.
class Named {
 public:
  void add(const std::string& name) {
    ++count_;
    if (names_.size() < kMaxNamed) {
      names_.push_back(name);
    }
  }
  /// "FOLDER/shards: what: a, b and 3 more; advice"; nothing when there is none.
  void say(const std::string& where, const std::string& what, std::vector<std::string>& out) const {
    if (count_ > 0) {
      const std::size_t others = count_ - names_.size();
      out.push_back(where + ": " + join(names_, ", ") + (others > 0 ? " and " + std::to_string(others) + " more" : "") +
                    ' ' + what);
    }
  }

 private:
  std::size_t count_ = 0;
  std::vector<std::string> names_;
};

void find_runs(const std::string& folder, const std::vector<JournalRecord>& journal, Finished& result) {
  Named damaged, lost, unrecorded;
  const auto use = [&](const VerifiedShard& shard) {
    if (shard.runs) {
      result.runs.insert(shard.runs->begin(), shard.runs->end());
      return;
    }
    unrecorded.add(shard.name);
    const Shard content = read_shard(shard.image, shard.name);
    for (const record::RunRow& run : content.rows.runs) {
      result.runs.insert(run.run_id);
    }
    for (const record::DistanceRow& row : content.rows.distances) {
      result.runs.insert(row.group_id);
    }
  };
  for_each_shard(folder, journal, use, [&](const std::string& name, ShardFault fault) {
    (fault == ShardFault::missing ? lost : damaged).add(name);
  });
  const std::string where = folder + "/shards";
  damaged.say(where, "no longer as committed; what only it held is done again", result.damage);
  lost.say(where, "recorded in a journal but not there; what only it held is done again", result.damage);
  unrecorded.say(where, "in no journal; its runs are taken from itself", result.damage);
}

std::map<std::string, std::string> recorded_stages(const std::string& folder,
                                                   const std::vector<JournalRecord>& journal) {
  std::map<std::string, std::string> recorded;
  for (const JournalRecord& record : journal) {
    if (record.kind != RecordKind::stage) {
      continue;
    }
    const std::string digest = digest_text(record.size_bytes, record.sha256);
    if (!recorded.emplace(record.name, digest).second && recorded[record.name] != digest) {
      throw Error(folder + ": stage " + record.name +
                  " was computed twice with different results: the computation is not deterministic here");
    }
  }
  return recorded;
}

void find_stages(const std::string& folder, const std::vector<JournalRecord>& journal, Finished& result) {
  Named damaged, lost, unrecorded;
  const std::map<std::string, std::string> recorded = recorded_stages(folder, journal);
  for (const auto& [id, digest] : recorded) {
    const std::optional<std::vector<std::byte>> image = read_file(stage_path(folder, id));
    if (image && digest_of(*image) == digest) {
      result.stages[id] = digest;
    } else {
      (image ? damaged : lost).add(id + ".h5");
    }
  }
  for (const std::string& name : sorted_files(folder + "/stages", ".h5")) {
    if (!recorded.contains(name.substr(0, name.size() - 3))) {
      unrecorded.add(name);
    }
  }
  const std::string where = folder + "/stages", again = "; trained again where it is needed";
  damaged.say(where, "no longer as committed" + again, result.damage);
  lost.say(where, "recorded in a journal but not there" + again, result.damage);
  unrecorded.say(where, "in no journal, so nobody knows if it is whole" + again, result.damage);
}

void find_weights(const std::string& folder, Finished& result) {
  Named damaged;
  for (KeptFile& file : recorded_files(folder)) {
    std::error_code error;
    if (!std::filesystem::exists(kept_folder(folder) + '/' + file.name, error)) {
      result.lost_weights.push_back({file.name, std::move(file.names)});
    } else if (is_whole(folder, file)) {
      result.weights.insert(file.names.begin(), file.names.end());
    } else {
      result.damaged_weights.push_back(file.name);
      damaged.add(file.name);
    }
  }
  damaged.say(kept_folder(folder), "no longer as committed; what a comparison needs of it is trained again",
              result.damage);
}

void find_checkpoints(const std::string& folder, const std::vector<JournalRecord>& journal, Finished& result) {
  Named damaged;
  for (const JournalRecord& record : journal) {
    if (record.kind == RecordKind::checkpoint) {
      const auto image = read_file(checkpoint_folder(folder) + '/' + record.name);
      if (image && digest_of(*image) != digest_text(record.size_bytes, record.sha256)) {
        damaged.add(record.name);
      }
    }
  }
  damaged.say(checkpoint_folder(folder), "no longer as committed; what it held is trained from the start",
              result.damage);
}

}  // namespace

Finished finished(const std::string& folder) {
  Finished result;
  const std::vector<JournalRecord> journal = read_journals(folder, [&](const std::string& name, std::size_t num_bad) {
    result.damage.push_back(folder + "/journal/" + name + ": " + counted(static_cast<std::int64_t>(num_bad), "record") +
                            " cut short or damaged, and skipped");
  });
  find_runs(folder, journal, result);
  find_stages(folder, journal, result);
  find_weights(folder, result);
  find_checkpoints(folder, journal, result);
  return result;
}

}  // namespace unroll::store
