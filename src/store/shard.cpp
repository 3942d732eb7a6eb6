#include "shard.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>

#include "collected.hpp"
#include "columns.hpp"
#include "unroll/base/sha256.hpp"

namespace unroll::store {
namespace {

constexpr const char* kFormat = "unroll-shard";
constexpr const char* kVersion = "1";

bool everything(std::string_view, std::string_view) { return true; }

/// Without what only other readers need; that is half of the time of a commit.
hdf5::Table plain(hdf5::Table table) {
  table.has_scale = false;
  for (hdf5::TableColumn& column : table.columns) {
    column.units.clear();
    column.long_name.clear();
  }
  return table;
}

template <typename Row>
hdf5::Table joined(const std::string& name, std::span<const record::Column<Row>> columns,
                   std::span<const record::TreeRecord> trees, const std::vector<Row> record::TreeRecord::*member) {
  std::vector<const Row*> rows;
  for (const record::TreeRecord& tree : trees) {
    for (const Row& row : tree.*member) {
      rows.push_back(&row);
    }
  }
  return plain(to_table<Row>(name, "", columns, rows));
}

/// Columns that are left out keep the defaults of a row.
template <typename Row>
std::vector<Row> rows_of(const hdf5::TableFile& file, const std::string& name,
                         std::span<const record::Column<Row>> columns, const hdf5::ColumnFilter& is_wanted) {
  const hdf5::Table* table = file.find(name);
  if (table == nullptr) {
    throw Error("has no table '" + name + "'");
  }
  std::vector<record::Column<Row>> wanted;
  std::copy_if(columns.begin(), columns.end(), std::back_inserter(wanted),
               [&](const auto& column) { return is_wanted(name, column.name); });
  return from_table<Row>(*table, wanted);
}

/// Tables that most shards have no row of.
template <typename Row>
void add_rows(hdf5::TableFile& file, const std::string& name, std::span<const record::Column<Row>> columns,
              std::span<const record::TreeRecord> trees, const std::vector<Row> record::TreeRecord::*member) {
  if (std::any_of(trees.begin(), trees.end(), [&](const auto& tree) { return !(tree.*member).empty(); })) {
    file.tables.push_back(joined<Row>(name, columns, trees, member));
  }
}

template <typename Row>
std::vector<Row> rows_if_any(const hdf5::TableFile& file, const std::string& name,
                             std::span<const record::Column<Row>> columns) {
  return file.find(name) == nullptr ? std::vector<Row>() : rows_of(file, name, columns, everything);
}

std::string attribute(const hdf5::TableFile& file, const std::string& name) {
  const auto found = file.attributes.find(name);
  return found == file.attributes.end() ? std::string() : found->second;
}

// The 64 digits before ".h5", or "".
std::string digest_in_name(const std::string& name) {
  constexpr std::size_t kTail = 64 + 3;
  return name.size() > kTail && name.ends_with(".h5") ? name.substr(name.size() - kTail, 64) : std::string();
}

Shard shard_of_columns(const hdf5::TableFile& file, const std::string& name, const hdf5::ColumnFilter& is_wanted) {
  try {
    if (attribute(file, "format") != kFormat || attribute(file, "version") != kVersion) {
      throw Error("is not a shard of version " + std::string(kVersion));
    }
    Shard shard;
    shard.origin.plan_id = attribute(file, "plan_id");
    const auto key = file.texts.find("numerics_key");
    shard.origin.numerics_key = key == file.texts.end() ? std::string() : key->second;
    shard.rows.runs = rows_of(file, "runs", record::run_columns(), is_wanted);
    shard.rows.pairs = rows_of(file, "pairs", record::pair_columns(), is_wanted);
    shard.rows.layers = rows_of(file, "layers", record::layer_columns(), is_wanted);
    shard.rows.curves = rows_of(file, "curves", record::curve_columns(), is_wanted);
    shard.rows.twins = rows_if_any(file, "twins", record::twin_columns());
    shard.rows.distances = rows_if_any(file, "distances", record::distance_columns());
    shard.telemetry = rows_of(file, "telemetry", record::telemetry_columns(), is_wanted);
    return shard;
  } catch (const Error& error) {
    throw Error(name + ": " + error.what());
  }
}

}  // namespace

std::string column_digest(const hdf5::TableColumn& column) {
  if (const auto* texts = std::get_if<std::vector<std::string>>(&column.values)) {
    Sha256 hash;
    std::string padded;
    for (const std::string& text : *texts) {
      padded = text;
      padded.resize(std::max<std::size_t>(column.text_size, 1), '\0');
      hash.update(padded);
    }
    return hash.hex_digest();
  }
  if (const auto* integers = std::get_if<std::vector<std::int64_t>>(&column.values)) {
    return sha256(std::as_bytes(std::span(*integers)));
  }
  return sha256(std::as_bytes(std::span(std::get<std::vector<double>>(column.values))));
}

std::vector<std::byte> shard_image(const ShardOrigin& origin, std::span<const record::TreeRecord> trees,
                                   std::span<const record::TelemetryRow> telemetry) {
  std::vector<const record::TelemetryRow*> items;
  for (const record::TelemetryRow& row : telemetry) {
    items.push_back(&row);
  }
  hdf5::TableFile file;
  file.attributes = {{"format", kFormat}, {"version", kVersion}, {"plan_id", origin.plan_id}};
  file.texts = {{"numerics_key", origin.numerics_key}};
  file.tables = {joined<record::RunRow>("runs", record::run_columns(), trees, &record::TreeRecord::runs),
                 joined<record::PairRow>("pairs", record::pair_columns(), trees, &record::TreeRecord::pairs),
                 joined<record::LayerRow>("layers", record::layer_columns(), trees, &record::TreeRecord::layers),
                 joined<record::CurveRow>("curves", record::curve_columns(), trees, &record::TreeRecord::curves),
                 plain(to_table<record::TelemetryRow>("telemetry", "", record::telemetry_columns(), items))};
  add_rows(file, "twins", record::twin_columns(), trees, &record::TreeRecord::twins);
  add_rows(file, "distances", record::distance_columns(), trees, &record::TreeRecord::distances);
  return hdf5::to_image(file);
}

Shard read_shard(const std::vector<std::byte>& image, const std::string& name) {
  return shard_of(hdf5::tables_from_image(image, name), name);
}

Shard shard_of(const hdf5::TableFile& file, const std::string& name) {
  return shard_of_columns(file, name, everything);
}

Shard read_shard_keys(const std::vector<std::byte>& image, const std::string& name) {
  return shard_of_columns(hdf5::tables_from_image(image, name, is_key_column), name, is_key_column);
}

void for_each_shard(const std::string& folder, const std::vector<JournalRecord>& journal,
                    const std::function<void(const VerifiedShard&)>& use, const OnShardFault& on_fault) {
  std::map<std::string, const JournalRecord*> records;
  for (const JournalRecord& record : journal) {
    if (record.kind == RecordKind::shard) {
      records[record.name] = &record;
    }
  }
  std::vector<std::string> damaged;
  for (const std::string& name : sorted_files(folder + "/shards", ".h5")) {
    const auto found = records.find(name);
    const JournalRecord* record = found == records.end() ? nullptr : found->second;
    if (record != nullptr) {
      records.erase(found);  // what is left is missing
    }
    std::optional<std::vector<std::byte>> image = read_file(folder + "/shards/" + name);
    if (!image || sha256(std::span<const std::byte>(*image)) != digest_in_name(name)) {
      damaged.push_back(name);
      continue;
    }
    VerifiedShard shard{name, std::move(*image), std::nullopt};
    if (record != nullptr && record->size_bytes == shard.image.size() && record->sha256 == digest_in_name(name)) {
      shard.runs = record->runs;
    }
    use(shard);
  }
  if (on_fault) {
    std::for_each(damaged.begin(), damaged.end(), [&](const auto& name) { on_fault(name, ShardFault::damaged); });
    std::for_each(records.begin(), records.end(), [&](const auto& left) { on_fault(left.first, ShardFault::missing); });
  }
}

std::vector<JournalRecord> read_journals(const std::string& folder, const OnBadJournal& on_bad) {
  std::vector<JournalRecord> records;
  for (const std::string& name : sorted_files(folder + "/journal", ".log")) {
    const std::optional<std::vector<std::byte>> bytes = read_file(folder + "/journal/" + name);
    if (!bytes) {
      continue;
    }
    std::size_t num_bad = 0;
    std::vector<JournalRecord> good =
        decode(std::string_view(reinterpret_cast<const char*>(bytes->data()), bytes->size()), &num_bad);
    std::move(good.begin(), good.end(), std::back_inserter(records));
    if (num_bad > 0 && on_bad) {
      on_bad(name, num_bad);
    }
  }
  return records;
}

std::vector<std::string> sorted_files(const std::string& folder, const std::string& ending) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    if (is_plain_name(name) && name.ends_with(ending)) {
      names.push_back(name);
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::optional<std::vector<std::byte>> read_file(const std::string& path) {
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  std::ifstream file(path, std::ios::binary);
  if (error || !file) {
    return std::nullopt;
  }
  std::vector<std::byte> bytes(size);
  file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size));
  if (static_cast<std::uintmax_t>(file.gcount()) != size) {
    return std::nullopt;
  }
  return bytes;
}

std::string digest_line(const std::string& path, const std::string& sha) {
  return sha + "  " + std::filesystem::path(path).filename().string() + '\n';
}

std::string file_digest(const std::string& path) {
  constexpr std::size_t kPieceBytes = 4 << 20;
  std::ifstream file(path, std::ios::binary);
  std::vector<std::byte> piece(kPieceBytes);
  Sha256 hash;
  while (file) {
    file.read(reinterpret_cast<char*>(piece.data()), static_cast<std::streamsize>(piece.size()));
    hash.update(std::span<const std::byte>(piece).first(static_cast<std::size_t>(file.gcount())));
  }
  if (!file.eof()) {
    throw Error(path + ": cannot be read");
  }
  return hash.hex_digest();
}

}  // namespace unroll::store
