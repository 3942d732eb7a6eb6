#include "row_columns.hpp"

#include <limits>
#include <span>
#include <type_traits>
#include <unordered_map>
#include <variant>

#include "columns.hpp"
#include "unroll/base/error.hpp"
#include "unroll/base/sha256.hpp"

namespace unroll::store {
namespace {

constexpr std::size_t kBatchBytes = 320'000'000;

struct Destination {
  std::uint32_t from = 0;  // row of the shard
  std::uint32_t to = 0;    // row of the table
};

std::vector<std::vector<Destination>> by_shard(const std::vector<RowPlace>& places, std::size_t num_shards) {
  if (places.size() > std::numeric_limits<std::uint32_t>::max()) {
    throw Error("more than 4,294,967,295 rows do not fit into one table");
  }
  std::vector<std::vector<Destination>> result(num_shards);
  for (std::size_t i = 0; i < places.size(); ++i) {
    result[places[i].shard].push_back({places[i].row, static_cast<std::uint32_t>(i)});
  }
  return result;
}

/// Texts as they come, each kept once.
struct TextColumn {
  hdf5::CodedTexts coded;
  std::unordered_map<std::string, std::uint32_t> codes;

  std::uint32_t code_of(const std::string& text) {
    const auto [known, is_new] = codes.try_emplace(text, static_cast<std::uint32_t>(coded.texts.size()));
    if (is_new) {
      coded.texts.push_back(text);
    }
    return known->second;
  }
};

using Values = std::variant<std::vector<std::int64_t>, std::vector<double>, TextColumn>;

std::string digest_of(const hdf5::CodedTexts& texts, std::size_t text_size) {
  const std::size_t size = std::max<std::size_t>(text_size, 1);
  std::vector<std::string> padded = texts.texts;
  for (std::string& text : padded) {
    text.resize(size, '\0');
  }
  Sha256 hash;
  for (const std::uint32_t code : texts.codes) {
    hash.update(padded[code]);
  }
  return hash.hex_digest();
}

template <typename Row>
class Batch {
 public:
  Batch(std::string table, std::span<const record::Column<Row>> columns, std::size_t num_rows)
      : table_(std::move(table)), columns_(columns) {
    for (const record::Column<Row>& column : columns_) {
      values_.push_back(std::visit([&](auto get) { return empty(get, num_rows); }, column.get));
      names_.insert(std::string(column.name));
    }
  }

  void take(const hdf5::TableFile& shard, const std::vector<Destination>& rows) {
    const hdf5::Table* table = shard.find(table_);
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const hdf5::TableColumn* column = table == nullptr ? nullptr : table->find(columns_[i].name);
      if (column == nullptr || column->values.index() != columns_[i].get.index()) {
        throw Error("has no column '" + std::string(columns_[i].name) + "' of the right type in '" + table_ + "'");
      }
      std::visit([&](const auto& from) { scatter(from, rows, values_[i]); }, column->values);
    }
  }

  [[nodiscard]] bool is_wanted(std::string_view table, std::string_view column) const {
    return table == table_ && names_.contains(std::string(column));
  }

  void write(hdf5::TableStream& out) {
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const record::Column<Row>& known = columns_[i];
      hdf5::TableColumn column{std::string(known.name), {}, std::string(known.units), std::string(known.long_name),
                               known.text_size,         {}};
      if (const auto* texts = std::get_if<TextColumn>(&values_[i])) {
        column.attributes["sha256"] = digest_of(texts->coded, known.text_size);
        out.column(column, texts->coded);
      } else {
        auto* integers = std::get_if<std::vector<std::int64_t>>(&values_[i]);
        column.values = integers != nullptr ? hdf5::ColumnValues(std::move(*integers))
                                            : hdf5::ColumnValues(std::move(std::get<std::vector<double>>(values_[i])));
        column.attributes["sha256"] = column_digest(column);
        out.column(column);
      }
    }
  }

 private:
  static Values empty(std::int64_t (*)(const Row&), std::size_t size) { return std::vector<std::int64_t>(size); }
  static Values empty(double (*)(const Row&), std::size_t size) { return std::vector<double>(size); }
  static Values empty(std::string (*)(const Row&), std::size_t size) {
    TextColumn texts;
    texts.coded.codes.resize(size);
    return texts;
  }

  template <typename Number>
  static void scatter(const std::vector<Number>& from, const std::vector<Destination>& rows, Values& to) {
    auto& numbers = std::get<std::vector<Number>>(to);
    for (const Destination& row : rows) {
      numbers[row.to] = canonical(from.at(row.from));
    }
  }
  static void scatter(const std::vector<std::string>& from, const std::vector<Destination>& rows, Values& to) {
    auto& texts = std::get<TextColumn>(to);
    for (const Destination& row : rows) {
      texts.coded.codes[row.to] = texts.code_of(from.at(row.from));
    }
  }

  std::string table_;
  std::span<const record::Column<Row>> columns_;
  std::vector<Values> values_;
  std::set<std::string> names_;
};

template <typename Row>
void write_rows(hdf5::TableStream& out, const std::string& name, const std::string& long_name,
                std::span<const record::Column<Row>> columns, const std::vector<RowPlace>& places,
                const std::vector<std::string>& shards, const LoadColumns& load) {
  const std::vector<std::vector<Destination>> destinations = by_shard(places, shards.size());
  const std::size_t columns_of_batch = std::max<std::size_t>(kBatchBytes / (sizeof(double) * (places.size() + 1)), 1);
  out.open_table(name, long_name, places.size());
  for (std::size_t begin = 0; begin < columns.size(); begin += columns_of_batch) {
    Batch<Row> batch(name, columns.subspan(begin, std::min(columns_of_batch, columns.size() - begin)), places.size());
    for (std::size_t i = 0; i < shards.size(); ++i) {
      if (!destinations[i].empty()) {
        const auto is_wanted = [&](std::string_view table, std::string_view column) {
          return batch.is_wanted(table, column);
        };
        batch.take(load(shards[i], is_wanted), destinations[i]);
      }
    }
    batch.write(out);
  }
  out.close_table();
}

}  // namespace

void write_pairs(hdf5::TableStream& out, const std::vector<RowPlace>& places, const std::vector<std::string>& shards,
                 const LoadColumns& load) {
  write_rows<record::PairRow>(out, "pairs", "one row a run and measured step: the pair (M', M'')",
                              record::pair_columns(), places, shards, load);
}

void write_layers(hdf5::TableStream& out, const std::vector<RowPlace>& places, const std::vector<std::string>& shards,
                  const LoadColumns& load) {
  write_rows<record::LayerRow>(out, "layers", "one row a run, measured step and parameter tensor",
                               record::layer_columns(), places, shards, load);
}

}  // namespace unroll::store
