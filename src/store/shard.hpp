#pragma once
// A shard: finished runs, M's curves and telemetry of one rank and flush, as an HDF5 file of tables. It says itself
// what it belongs to (plan id, numerics key), and its name holds its SHA-256: <writer>-<number>-<sha256>.h5.
#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "journal.hpp"
#include "unroll/hdf5/tables.hpp"
#include "unroll/record/rows.hpp"

namespace unroll::store {

struct ShardOrigin {
  std::string plan_id;
  std::string numerics_key;
};

struct Shard {
  ShardOrigin origin;
  record::TreeRecord rows;  // of all that was committed with it
  std::vector<record::TelemetryRow> telemetry;
};

[[nodiscard]] std::vector<std::byte> shard_image(const ShardOrigin& origin, std::span<const record::TreeRecord> trees,
                                                 std::span<const record::TelemetryRow> telemetry);
[[nodiscard]] Shard read_shard(const std::vector<std::byte>& image, const std::string& name);
/// Of pairs and layers only the columns that say whose rows they are (collected.hpp).
[[nodiscard]] Shard read_shard_keys(const std::vector<std::byte>& image, const std::string& name);

/// The same of tables that were read already.
[[nodiscard]] Shard shard_of(const hdf5::TableFile& file, const std::string& name);

/// A shard whose bytes were verified, by the journal or by its name.
struct VerifiedShard {
  std::string name;
  std::vector<std::byte> image;
  std::optional<std::vector<std::string>> runs;  // ids of runs and groups, where the journal says them
};

enum class ShardFault { damaged, missing };  // missing: a journal says that it was committed
using OnShardFault = std::function<void(const std::string& name, ShardFault fault)>;
/// Calls `use` for every verified shard of the folder, in order of names, then on_fault for those that are not.
void for_each_shard(const std::string& folder, const std::vector<JournalRecord>& journal,
                    const std::function<void(const VerifiedShard&)>& use, const OnShardFault& on_fault = {});

using OnBadJournal = std::function<void(const std::string& name, std::size_t num_bad_records)>;
/// All good records of all journals of the folder.
[[nodiscard]] std::vector<JournalRecord> read_journals(const std::string& folder, const OnBadJournal& on_bad = {});

/// Names of files in the folder that we may have given, with this ending, in order.
[[nodiscard]] std::vector<std::string> sorted_files(const std::string& folder, const std::string& ending);

/// A whole file; nullopt when it is not there or cannot be read.
[[nodiscard]] std::optional<std::vector<std::byte>> read_file(const std::string& path);
/// What FILE.sha256 holds: "<digest>  <file name>\n".
[[nodiscard]] std::string digest_line(const std::string& path, const std::string& sha);
/// SHA-256 of a file of any size. Error when it cannot be read.
[[nodiscard]] std::string file_digest(const std::string& path);

}  // namespace unroll::store
