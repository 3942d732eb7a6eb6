#include "shard.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>

#include "columns.hpp"
#include "unroll/base/sha256.hpp"

namespace unroll::store {
namespace {

constexpr const char* kFormat = "unroll-shard";
constexpr const char* kVersion = "1";

// Rows of all trees in one table, with the tree of each row.
template <typename Row>
hdf5::Table joined(const std::string& name, std::span<const record::Column<Row>> columns,
                   std::span<const record::TreeRecord> trees, const std::vector<Row> record::TreeRecord::*member) {
  std::vector<const Row*> rows;
  std::vector<std::int64_t> tree_of_row;
  for (std::size_t i = 0; i < trees.size(); ++i) {
    for (const Row& row : trees[i].*member) {
      rows.push_back(&row);
      tree_of_row.push_back(static_cast<std::int64_t>(i));
    }
  }
  hdf5::Table table = to_table<Row>(name, "", columns, rows);
  table.columns.push_back({"tree", std::move(tree_of_row), "1", "tree in /trees", 0, {}});
  return table;
}

template <typename Row>
void hash_rows(Sha256& hash, std::span<const record::Column<Row>> columns, const std::vector<Row>& rows) {
  std::vector<const Row*> pointers;
  for (const Row& row : rows) {
    pointers.push_back(&row);
  }
  for (const hdf5::TableColumn& column : to_table<Row>("", "", columns, pointers).columns) {
    hash.update(column.name + '=' + column_digest(column) + '\n');
  }
}

std::string digest_of(const record::TreeRecord& tree) {
  Sha256 hash;
  hash_rows(hash, record::run_columns(), tree.runs);
  hash_rows(hash, record::pair_columns(), tree.pairs);
  hash_rows(hash, record::layer_columns(), tree.layers);
  hash_rows(hash, record::curve_columns(), tree.curves);
  return hash.hex_digest();
}

template <typename Row>
void distribute(const hdf5::TableFile& file, const std::string& name, std::span<const record::Column<Row>> columns,
                std::vector<StoredTree>& trees, std::vector<Row> record::TreeRecord::*member) {
  const hdf5::Table* table = file.find(name);
  const hdf5::TableColumn* tree_column = table == nullptr ? nullptr : table->find("tree");
  if (tree_column == nullptr || !std::holds_alternative<std::vector<std::int64_t>>(tree_column->values)) {
    throw Error("has no table '" + name + "' with a column 'tree'");
  }
  const auto& tree_of_row = std::get<std::vector<std::int64_t>>(tree_column->values);
  std::vector<Row> rows = from_table<Row>(*table, columns);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    (trees.at(static_cast<std::size_t>(tree_of_row[i])).record.*member).push_back(std::move(rows[i]));
  }
}

const std::vector<std::string>& texts_of(const hdf5::TableFile& file, const std::string& table,
                                         const std::string& column) {
  const hdf5::Table* found = file.find(table);
  const hdf5::TableColumn* values = found == nullptr ? nullptr : found->find(column);
  if (values == nullptr || !std::holds_alternative<std::vector<std::string>>(values->values)) {
    throw Error("has no text column '" + column + "' in table '" + table + "'");
  }
  return std::get<std::vector<std::string>>(values->values);
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
  std::vector<std::string> ids, digests;
  for (const record::TreeRecord& tree : trees) {
    ids.push_back(tree.tree_id);
    digests.push_back(digest_of(tree));
  }
  std::vector<const record::TelemetryRow*> items;
  for (const record::TelemetryRow& row : telemetry) {
    items.push_back(&row);
  }
  hdf5::TableFile file;
  file.attributes = {{"format", kFormat}, {"version", kVersion}, {"plan_id", origin.plan_id}};
  file.texts = {{"numerics_key", origin.numerics_key}};
  file.tables = {{"trees",
                  "",
                  {{"tree_id", std::move(ids), "1", "stage id of M", 64, {}},
                   {"digest", std::move(digests), "1", "SHA-256 over the tree's rows", 64, {}}}},
                 joined<record::RunRow>("runs", record::run_columns(), trees, &record::TreeRecord::runs),
                 joined<record::PairRow>("pairs", record::pair_columns(), trees, &record::TreeRecord::pairs),
                 joined<record::LayerRow>("layers", record::layer_columns(), trees, &record::TreeRecord::layers),
                 joined<record::CurveRow>("curves", record::curve_columns(), trees, &record::TreeRecord::curves),
                 to_table<record::TelemetryRow>("telemetry", "", record::telemetry_columns(), items)};
  return hdf5::to_image(file);
}

Shard read_shard(const std::vector<std::byte>& image, const std::string& name) {
  const hdf5::TableFile file = hdf5::tables_from_image(image, name);
  try {
    if (attribute(file, "format") != kFormat || attribute(file, "version") != kVersion) {
      throw Error("is not a shard of version " + std::string(kVersion));
    }
    Shard shard;
    shard.origin.plan_id = attribute(file, "plan_id");
    const auto key = file.texts.find("numerics_key");
    shard.origin.numerics_key = key == file.texts.end() ? std::string() : key->second;
    const std::vector<std::string>& ids = texts_of(file, "trees", "tree_id");
    const std::vector<std::string>& digests = texts_of(file, "trees", "digest");
    for (std::size_t i = 0; i < ids.size(); ++i) {
      shard.trees.push_back({{ids[i], {}, {}, {}, {}}, digests[i]});
    }
    distribute(file, "runs", record::run_columns(), shard.trees, &record::TreeRecord::runs);
    distribute(file, "pairs", record::pair_columns(), shard.trees, &record::TreeRecord::pairs);
    distribute(file, "layers", record::layer_columns(), shard.trees, &record::TreeRecord::layers);
    distribute(file, "curves", record::curve_columns(), shard.trees, &record::TreeRecord::curves);
    if (const hdf5::Table* telemetry = file.find("telemetry")) {
      shard.telemetry = from_table(*telemetry, record::telemetry_columns());
    }
    return shard;
  } catch (const Error& error) {
    throw Error(name + ": " + error.what());
  }
}

void for_each_shard(const std::string& folder, const std::vector<JournalRecord>& journal,
                    const std::function<void(const VerifiedShard&)>& use) {
  std::map<std::string, const JournalRecord*> records;
  for (const JournalRecord& record : journal) {
    if (record.kind == RecordKind::shard) {
      records[record.name] = &record;
    }
  }
  for (const std::string& name : sorted_files(folder + "/shards", ".h5")) {
    std::optional<std::vector<std::byte>> image = read_file(folder + "/shards/" + name);
    if (!image || sha256(std::span<const std::byte>(*image)) != digest_in_name(name)) {
      continue;
    }
    VerifiedShard shard{name, std::move(*image), std::nullopt};
    const auto found = records.find(name);
    if (found != records.end() && found->second->size_bytes == shard.image.size() &&
        found->second->sha256 == digest_in_name(name)) {
      shard.trees = found->second->trees;
    }
    use(shard);
  }
}

std::vector<JournalRecord> read_journals(const std::string& folder) {
  std::vector<JournalRecord> records;
  for (const std::string& name : sorted_files(folder + "/journal", ".log")) {
    if (const std::optional<std::vector<std::byte>> bytes = read_file(folder + "/journal/" + name)) {
      std::vector<JournalRecord> good =
          decode(std::string_view(reinterpret_cast<const char*>(bytes->data()), bytes->size()));
      std::move(good.begin(), good.end(), std::back_inserter(records));
    }
  }
  return records;
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

}  // namespace unroll::store
