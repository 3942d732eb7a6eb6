#include <chrono>
#include <ctime>

#include "columns.hpp"
#include "identity.hpp"
#include "results.hpp"
#include "unroll/base/sha256.hpp"

namespace unroll::store {
namespace {

Collected collect(const std::string& folder, const Identity& identity) {
  Collected collected;
  for_each_shard(folder, read_journals(folder), [&](const VerifiedShard& verified) {
    Shard shard = read_shard(verified.image, verified.name);
    if (shard.origin.plan_id != identity.plan_id || shard.origin.numerics_key != identity.numerics_key) {
      throw Error(folder + "/shards/" + verified.name + ": belongs to another plan or other numerics than this folder");
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

// Reads a file back: its bytes, and through HDF5 every column that has a digest.
void verify(const std::string& path, const std::string& expected_sha) {
  const std::optional<std::vector<std::byte>> bytes = read_file(path);
  if (!bytes || sha256(std::span<const std::byte>(*bytes)) != expected_sha) {
    throw Error(path + ": reads back other bytes than were written");
  }
  for (const hdf5::Table& table : hdf5::tables_from_image(*bytes, path).tables) {
    for (const hdf5::TableColumn& column : table.columns) {
      const auto digest = column.attributes.find("sha256");
      if (digest != column.attributes.end() && digest->second != column_digest(column)) {
        throw Error(path + ": column '" + column.name + "' of '" + table.name + "' reads back other values");
      }
    }
  }
}

std::string write_verified(FileDoor& door, const std::string& path, const hdf5::TableFile& file) {
  const std::vector<std::byte> image = hdf5::to_image(file);
  const std::string sha = sha256(std::span<const std::byte>(image));
  door.replace(path, image);
  verify(path, sha);
  return sha;
}

}  // namespace

MergeSummary merge(const std::string& folder, const config::Study& study, const plan::Plan& plan) {
  const std::optional<Identity> identity = read_identity(folder);
  if (!identity || identity->plan_id != plan.id) {
    throw UsageError(folder + ": does not hold results of this study; give the folder of its --output");
  }
  const Collected collected = collect(folder, *identity);
  MergeSummary summary;
  const hdf5::TableFile results = results_file(study, plan, identity->numerics_key, collected, summary);
  FileDoor door;
  const std::string sha = write_verified(door, folder + "/results.h5", results);
  door.replace(folder + "/results.h5.sha256", sha + "  results.h5\n");
  write_verified(door, folder + "/telemetry.h5", telemetry_file(study, plan, collected.telemetry, now_utc()));
  return summary;
}

}  // namespace unroll::store
