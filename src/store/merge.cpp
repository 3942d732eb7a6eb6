#include <algorithm>
#include <chrono>
#include <ctime>
#include <filesystem>

#include "cell_numbers.hpp"
#include "column_check.hpp"
#include "identity.hpp"
#include "results.hpp"
#include "unroll/base/sha256.hpp"
#include "unroll/store/chunks.hpp"

namespace unroll::store {
namespace {

std::vector<std::byte> read_verified(const std::string& path) {
  std::optional<std::vector<std::byte>> image = read_file(path);
  if (!image) {
    throw Error(path + ": was there a moment ago, and cannot be read now");
  }
  return std::move(*image);
}

/// Shards are known by their paths: they may come from the folders of several chunks. cells: outlives it.
Collected nothing_collected(const CellNumbers& cells) {
  return Collected([&cells](const std::string& path) {
    Shard shard = read_shard(read_verified(path), path);
    cells.correct(shard);
    return shard;
  });
}

/// Adds the rows of a folder's shards, and its failures.
void collect(const std::string& folder, const Identity& identity, const CellNumbers& cells, Collected& collected) {
  const std::set<std::string> earlier = earlier_plan_ids(folder);
  for_each_shard(folder, read_journals(folder), [&](const VerifiedShard& verified) {
    const std::string path = folder + "/shards/" + verified.name;
    Shard shard = read_shard_keys(verified.image, path);
    const bool is_ours = shard.origin.plan_id == identity.plan_id || earlier.contains(shard.origin.plan_id);
    if (!is_ours || shard.origin.numerics_key != identity.numerics_key) {
      throw Error(path + ": belongs to another plan or other numerics than this folder");
    }
    cells.correct(shard);
    collected.add(std::move(shard), path);
  });
  collected.failures.merge(failed_runs(folder));
}

std::string now_utc() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

// Reads every column back.
void verify(const std::string& path) {
  const hdf5::TableReader reader(path);
  for (const hdf5::Table& table : reader.header().tables) {
    for (const hdf5::TableColumn& column : table.columns) {
      const std::string problem = column_problem(reader, table, column);
      if (!problem.empty()) {
        throw Error(path + ": reads back other values than were written: " + problem);
      }
    }
  }
}

/// What was wrong with a merged file that this one takes the place of, or with its .sha256; "": nothing, or there was
/// none. sha: of the new file.
std::string damage_before(const std::string& path, const std::string& sha) {
  const std::string beside = path + ".sha256", again = "; written again";
  const auto said = read_file(beside);
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    return said ? path + ": was missing" + again : "";
  }
  if (!said) {
    return beside + ": was missing" + again;
  }
  const std::string there = file_digest(path);
  const std::string_view text(reinterpret_cast<const char*>(said->data()), said->size());
  if (text == digest_line(path, there)) {
    return "";
  }
  return there == sha ? beside + ": was damaged" + again
                      : path + ": was not the file that " + beside + " was written for" + again;
}

/// The new file's digest beside it, and what was wrong before.
void seal(FileDoor& door, const std::string& path, const std::string& sha, const std::string& damage,
          MergeSummary& summary) {
  door.replace(path + ".sha256", digest_line(path, sha));
  if (!damage.empty()) {
    summary.damage.push_back(damage);
  }
}

MergeSummary write_merged(const std::string& folder, const config::Study& study, const plan::Plan& plan,
                          const std::string& numerics_key, const CellNumbers& cells, const Collected& collected) {
  const LoadColumns load = [&cells](const std::string& path, const hdf5::ColumnFilter& is_wanted) {
    const auto with_runs = [&](std::string_view table, std::string_view column) {
      return is_wanted(table, column) || (column == "run_id" && is_wanted(table, "cell"));
    };
    hdf5::TableFile shard = hdf5::tables_from_image(read_verified(path), path, with_runs);
    cells.correct(shard);
    return shard;
  };
  FileDoor door;
  MergeSummary summary;
  const std::string results = folder + "/results.h5", telemetry = folder + "/telemetry.h5";
  std::string sha, damage;
  door.replace_by(results, [&](const std::string& path) {
    summary = write_results(path, study, plan, numerics_key, collected, load);
    verify(path);
    sha = file_digest(path);
    damage = damage_before(results, sha);
  });
  seal(door, results, sha, damage, summary);
  const auto image = hdf5::to_image(telemetry_file(study, plan, collected.telemetry, now_utc()));
  sha = sha256(std::span<const std::byte>(image));
  damage = damage_before(telemetry, sha);
  door.replace(telemetry, image);
  seal(door, telemetry, sha, damage, summary);
  return summary;
}

Identity identity_of(const std::string& folder, const plan::Plan& plan) {
  const std::optional<Identity> identity = read_identity(folder);
  if (!identity || identity->plan_id != plan.id) {
    throw UsageError(folder + ": does not hold results of this study; give the folder of its --output");
  }
  return *identity;
}

}  // namespace

MergeSummary merge(const std::string& folder, const config::Study& study, const plan::Plan& plan) {
  const Identity identity = identity_of(folder, plan);
  const CellNumbers cells(plan);
  Collected collected = nothing_collected(cells);
  collect(folder, identity, cells, collected);
  return write_merged(folder, study, plan, identity.numerics_key, cells, collected);
}

MergeSummary count_runs(const std::string& folder, const plan::Plan& plan, const std::vector<bool>& wanted,
                        const std::vector<bool>& wanted_groups) {
  const CellNumbers cells(plan);
  Collected collected = nothing_collected(cells);
  collect(folder, identity_of(folder, plan), cells, collected);
  MergeSummary summary;
  for (std::size_t i = 0; i < plan.runs.size(); ++i) {
    const auto found = wanted[i] ? collected.runs.find(plan.runs[i].id) : collected.runs.end();
    if (found == collected.runs.end()) {
      const bool has_failed = collected.failures.contains(plan.runs[i].id);
      (has_failed ? summary.num_failed_runs : summary.num_missing_runs) += wanted[i];
      continue;
    }
    ++summary.num_runs;
    summary.num_pairs += std::ssize(found->second.pairs);
    summary.num_failed_runs += found->second.run.status != "ok";
  }
  for (std::size_t i = 0; i < plan.groups.size(); ++i) {
    summary.num_open_groups += wanted_groups[i] && !collected.groups.contains(plan.groups[i].id);
  }
  return summary;
}

MergeSummary merge_chunks(const std::string& folder, const config::Study& study, const plan::Plan& plan) {
  const std::optional<Chunks> chunks = find_chunks(folder);
  const CellNumbers cells(plan);
  Collected collected = nothing_collected(cells);
  std::optional<Identity> common;
  std::string first;
  for (const std::int64_t index : chunks ? chunks->present : std::vector<std::int64_t>()) {
    const std::string here = chunk_folder(folder, index, chunks->count);
    if (!read_identity(here)) {
      continue;  // only just begun
    }
    const Identity identity = identity_of(here, plan);
    if (common && identity.numerics_key != common->numerics_key) {
      throw UsageError(here + ": was computed with other numerics than " + first + " (" + identity.numerics_key +
                       " against " + common->numerics_key + "), whose bits would not match; compute one of them again");
    }
    first = common ? first : here;
    common = identity;
    collect(here, identity, cells, collected);
  }
  if (!common) {
    throw UsageError(folder + ": holds no chunk that was begun; run one with --chunk");
  }
  return write_merged(folder, study, plan, common->numerics_key, cells, collected);
}

}  // namespace unroll::store
