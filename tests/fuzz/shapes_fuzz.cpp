// Arrays and tables of any types, shapes and names, as an HDF5 file may hold them, without HDF5: orders, lists of rows,
// data sets and shards are taken whole or refused in one line.
#include <algorithm>
#include <array>

#include "arrays.hpp"
#include "collected.hpp"
#include "columns.hpp"
#include "input.hpp"
#include "schema.hpp"
#include "unroll/base/error.hpp"

using namespace unroll;

namespace {

constexpr std::int64_t kNumRows = 10;

template <typename Action>
void take(const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    const std::string message = error.what();
    fuzz::require(!message.empty() && message.find('\n') == std::string::npos, "a refusal is one line");
  }
}

hdf5::Array array_of(fuzz::Bytes& bytes) {
  hdf5::Array array;
  array.name = "x";
  array.type = static_cast<hdf5::ElementType>(bytes.below(5));
  std::size_t size = hdf5::size_bytes(array.type);
  for (std::size_t rank = bytes.below(5); rank > 0; --rank) {
    array.shape.push_back(static_cast<std::int64_t>(bytes.below(5)));
    size *= static_cast<std::size_t>(array.shape.back());
  }
  const bool is_small = bytes.below(2) == 0;  // whole numbers near what is allowed
  for (std::size_t i = 0; i < size; ++i) {
    const bool is_low = i % hdf5::size_bytes(array.type) == 0;
    array.bytes.push_back(static_cast<std::byte>(!is_small ? bytes.byte() : is_low ? bytes.below(12) : 0));
  }
  return array;
}

void take_arrays(fuzz::Bytes& bytes) {
  std::vector<hdf5::Array> arrays;
  for (int i = 0; i < 4; ++i) {
    arrays.push_back(array_of(bytes));
  }
  take([&] {
    for (const auto& batch : dataset::order_of("f", arrays[0], kNumRows).batches) {
      fuzz::require(!batch.empty(), "no batch of an order is empty");
      fuzz::require(std::all_of(batch.begin(), batch.end(), [](auto row) { return row >= 0 && row < kNumRows; }),
                    "an order names rows that are there");
    }
  });
  take([&] {
    const auto rows = dataset::rows_of("f", arrays[0], kNumRows);
    fuzz::require(!rows.empty() && rows.front() >= 0 && rows.back() < kNumRows, "rows are there");
    fuzz::require(std::adjacent_find(rows.begin(), rows.end(), std::greater_equal<>()) == rows.end(), "and ascend");
  });
  take([&] {
    const dataset::Raw raw = dataset::raw_of("f", arrays);
    for (const dataset::Part* part : {&raw.train, &raw.test}) {
      std::size_t size = part->labels.size();
      for (const std::int64_t extent : raw.shape) {
        size *= static_cast<std::size_t>(extent);
      }
      fuzz::require(std::visit([&](const auto& values) { return values.size() == size; }, part->inputs), "inputs fit");
      fuzz::require(std::all_of(part->labels.begin(), part->labels.end(),
                                [&](auto label) { return label >= 0 && label < raw.num_classes; }),
                    "labels are classes");
    }
  });
}

hdf5::ColumnValues values_of(fuzz::Bytes& bytes, std::size_t kind, std::size_t num_rows) {
  hdf5::ColumnValues values;
  if (kind == 0) {
    auto& integers = values.emplace<std::vector<std::int64_t>>();
    std::generate_n(std::back_inserter(integers), num_rows, [&] { return static_cast<std::int64_t>(bytes.below(3)); });
  } else if (kind == 1) {
    values.emplace<std::vector<double>>(num_rows, static_cast<double>(bytes.byte()));
  } else {
    auto& texts = values.emplace<std::vector<std::string>>();
    std::generate_n(std::back_inserter(texts), num_rows, [&] { return bytes.text(2); });
  }
  return values;
}

template <typename Row>
void add_table(fuzz::Bytes& bytes, const char* name, std::span<const record::Column<Row>> columns,
               hdf5::TableFile& file) {
  hdf5::Table table = store::to_table<Row>(name, "", columns, {});
  const std::size_t num_rows = bytes.below(3), odd = bytes.below(4 * table.columns.size());
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    hdf5::TableColumn& column = table.columns[i];
    column.values = values_of(bytes, i == odd ? bytes.below(3) : column.values.index(), num_rows);
    column.attributes["sha256"] = bytes.text(3);
  }
  if (odd < table.columns.size() && bytes.below(2) == 0) {
    table.columns.erase(table.columns.begin() + static_cast<std::ptrdiff_t>(odd));
  }
  file.tables.push_back(std::move(table));
}

hdf5::TableFile tables_of(fuzz::Bytes& bytes) {
  hdf5::TableFile file;
  file.attributes = {{"format", bytes.below(4) == 0 ? "unroll-results" : "unroll-shard"}, {"version", "1"}};
  add_table(bytes, "runs", record::run_columns(), file);
  add_table(bytes, "pairs", record::pair_columns(), file);
  add_table(bytes, "layers", record::layer_columns(), file);
  add_table(bytes, "curves", record::curve_columns(), file);
  add_table(bytes, "telemetry", record::telemetry_columns(), file);
  add_table(bytes, "twins", record::twin_columns(), file);
  add_table(bytes, "distances", record::distance_columns(), file);
  return file;
}

void take_tables(fuzz::Bytes& bytes) {
  const std::array<hdf5::TableFile, 2> files = {tables_of(bytes), tables_of(bytes)};
  store::Collected collected([&](const std::string& name) {
    return store::shard_of(files.at(static_cast<std::size_t>(name[0] - '0')), name);
  });
  for (const char* name : {"0", "1"}) {
    const hdf5::TableFile& file = files.at(static_cast<std::size_t>(name[0] - '0'));
    take([&] { (void)store::kind_of(file, name); });
    (void)store::schema_problems(file, store::FileKind::results);
    take([&] { collected.add(store::shard_of(file, name), name); });
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Bytes bytes(data, size);
  if (bytes.below(2) == 0) {
    take_arrays(bytes);
  } else {
    take_tables(bytes);
  }
  return 0;
}
