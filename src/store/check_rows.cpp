#include "check_rows.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <string_view>
#include <tuple>
#include <unordered_map>

#include "unroll/base/text.hpp"

namespace unroll::store {
namespace {

using hdf5::TableReader;
using Columns = std::vector<hdf5::ColumnValues>;

struct KeyOfTable {
  std::string table;
  std::vector<std::string> columns;  // of which no two rows hold the same
};

const std::vector<KeyOfTable>& keys_of_tables() {
  static const std::vector<KeyOfTable> kKeys = {{"cells", {"cell"}},
                                                {"runs", {"run_id"}},
                                                {"pairs", {"run_id", "step"}},
                                                {"layers", {"run_id", "step", "layer"}},
                                                {"curves", {"original_id", "measure_id", "step"}},
                                                {"distances", {"group_id", "step", "id_a", "id_b"}},
                                                {"floors", {"run_id", "step"}}};
  return kKeys;
}

// Calls use(columns, row in them, row of the table) for each row, reading piece by piece.
template <typename Use>
void for_each_row(const TableReader& reader, const std::string& table, const std::vector<std::string>& names,
                  const Use& use) {
  std::vector<TableReader::Column> open;
  for (const std::string& name : names) {
    open.push_back(reader.open(table, name));
  }
  const std::size_t num_rows = reader.num_rows(table);
  for (std::size_t first = 0; first < num_rows; first += TableReader::kPieceRows) {
    const std::size_t count = std::min(TableReader::kPieceRows, num_rows - first);
    Columns columns;
    for (const TableReader::Column& column : open) {
      columns.push_back(column.read(first, count));
    }
    for (std::size_t row = 0; row < count; ++row) {
      use(columns, row, first + row);
    }
  }
}

std::int64_t integer(const hdf5::ColumnValues& values, std::size_t row) {
  return std::get<std::vector<std::int64_t>>(values)[row];
}
const std::string& text(const hdf5::ColumnValues& values, std::size_t row) {
  return std::get<std::vector<std::string>>(values)[row];
}

// 128 bits of a key: two rows of one key have the same, and no others in practice.
struct HashedRow {
  std::size_t hash_a, hash_b, row;
  [[nodiscard]] std::pair<std::size_t, std::size_t> hash() const { return {hash_a, hash_b}; }
};

std::string repeated(const TableReader& reader, const KeyOfTable& key) {
  std::vector<HashedRow> rows;
  rows.reserve(reader.num_rows(key.table));
  std::string whole;
  for_each_row(reader, key.table, key.columns, [&](const Columns& columns, std::size_t row, std::size_t at) {
    whole.clear();
    for (const hdf5::ColumnValues& values : columns) {
      whole += std::holds_alternative<std::vector<std::string>>(values) ? text(values, row)
                                                                        : std::to_string(integer(values, row));
      whole += '\n';
    }
    const std::size_t hash = std::hash<std::string_view>()(whole);
    whole += '.';
    rows.push_back({hash, std::hash<std::string_view>()(whole), at});
  });
  std::sort(rows.begin(), rows.end(), [](const HashedRow& a, const HashedRow& b) {
    return std::tuple(a.hash_a, a.hash_b, a.row) < std::tuple(b.hash_a, b.hash_b, b.row);
  });
  const auto twice =
      std::adjacent_find(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.hash() == b.hash(); });
  return twice == rows.end() ? ""
                             : "table '" + key.table + "': row " + std::to_string((twice + 1)->row) + " repeats the " +
                                   join(key.columns, ", ") + " of row " + std::to_string(twice->row);
}

struct RunPlace {
  std::int64_t cell, seed;
};
using Runs = std::unordered_map<std::string, RunPlace>;

Runs read_runs(const TableReader& reader) {
  Runs runs;
  for_each_row(reader, "runs", {"run_id", "cell", "seed"}, [&](const Columns& columns, std::size_t row, std::size_t) {
    runs.emplace(text(columns[0], row), RunPlace{integer(columns[1], row), integer(columns[2], row)});
  });
  return runs;
}

// Rows of a table that name no run, or its run's cell and seed wrongly.
std::string misplaced(const TableReader& reader, const Runs& runs, const std::string& table, bool has_cells) {
  std::string problem;
  const std::vector<std::string> names =
      has_cells ? std::vector<std::string>{"run_id", "cell", "seed"} : std::vector<std::string>{"run_id"};
  for_each_row(reader, table, names, [&](const Columns& columns, std::size_t row, std::size_t at) {
    if (!problem.empty()) {
      return;
    }
    const auto run = runs.find(text(columns[0], row));
    if (run == runs.end()) {
      problem = "names a run that is not in 'runs'";
    } else if (has_cells &&
               (integer(columns[1], row) != run->second.cell || integer(columns[2], row) != run->second.seed)) {
      problem = "has another cell or seed than its run in 'runs'";
    }
    problem = problem.empty() ? "" : "table '" + table + "': row " + std::to_string(at) + " " + problem;
  });
  return problem;
}

std::string bad_cell(const TableReader& reader, const Runs& runs) {
  const auto num_cells = static_cast<std::int64_t>(reader.num_rows("cells"));
  const bool is_good = std::all_of(
      runs.begin(), runs.end(), [&](const auto& run) { return run.second.cell >= 0 && run.second.cell < num_cells; });
  return is_good ? "" : "table 'runs': a row names a cell that is not in 'cells'";
}

}  // namespace

std::vector<std::string> row_problems(const TableReader& reader) {
  std::vector<std::string> problems;
  const auto add = [&](std::string problem) {
    if (!problem.empty()) {
      problems.push_back(std::move(problem));
    }
  };
  for (const KeyOfTable& key : keys_of_tables()) {
    if (reader.header().find(key.table) != nullptr) {
      add(repeated(reader, key));
    }
  }
  const Runs runs = read_runs(reader);
  add(bad_cell(reader, runs));
  struct Table {
    const char* name;
    bool has_cells;
  };
  for (const auto& [name, has_cells] :
       std::array<Table, 4>{{{"pairs", true}, {"layers", false}, {"distances", false}, {"floors", true}}}) {
    if (reader.header().find(name) != nullptr) {
      add(misplaced(reader, runs, name, has_cells));
    }
  }
  return problems;
}

}  // namespace unroll::store
