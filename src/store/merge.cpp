#include <chrono>
#include <ctime>

#include "column_check.hpp"
#include "identity.hpp"
#include "results.hpp"
#include "unroll/base/sha256.hpp"

namespace unroll::store {
namespace {

std::string shard_path(const std::string& folder, const std::string& name) { return folder + "/shards/" + name; }

std::vector<std::byte> read_verified(const std::string& folder, const std::string& name) {
  std::optional<std::vector<std::byte>> image = read_file(shard_path(folder, name));
  if (!image) {
    throw Error(shard_path(folder, name) + ": was there a moment ago, and cannot be read now");
  }
  return std::move(*image);
}

Collected collect(const std::string& folder, const Identity& identity) {
  Collected collected([&folder](const std::string& name) { return read_shard(read_verified(folder, name), name); });
  for_each_shard(folder, read_journals(folder), [&](const VerifiedShard& verified) {
    Shard shard = read_shard_keys(verified.image, verified.name);
    if (shard.origin.plan_id != identity.plan_id || shard.origin.numerics_key != identity.numerics_key) {
      throw Error(shard_path(folder, verified.name) + ": belongs to another plan or other numerics than this folder");
    }
    collected.add(std::move(shard), verified.name);
  });
  return collected;
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

}  // namespace

MergeSummary merge(const std::string& folder, const config::Study& study, const plan::Plan& plan) {
  const std::optional<Identity> identity = read_identity(folder);
  if (!identity || identity->plan_id != plan.id) {
    throw UsageError(folder + ": does not hold results of this study; give the folder of its --output");
  }
  const Collected collected = collect(folder, *identity);
  const LoadColumns load = [&](const std::string& name, const hdf5::ColumnFilter& is_wanted) {
    return hdf5::tables_from_image(read_verified(folder, name), name, is_wanted);
  };
  FileDoor door;
  MergeSummary summary;
  std::string sha;
  door.replace_by(folder + "/results.h5", [&](const std::string& path) {
    summary = write_results(path, study, plan, identity->numerics_key, collected, load);
    verify(path);
    sha = file_digest(path);
  });
  door.replace(folder + "/results.h5.sha256", sha + "  results.h5\n");
  door.replace(folder + "/telemetry.h5", hdf5::to_image(telemetry_file(study, plan, collected.telemetry, now_utc())));
  return summary;
}

}  // namespace unroll::store
