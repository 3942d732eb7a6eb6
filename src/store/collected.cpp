#include "collected.hpp"

#include <algorithm>
#include <bit>

#include "columns.hpp"

namespace unroll::store {
namespace {

std::uint64_t bits(double value) { return std::bit_cast<std::uint64_t>(canonical(value)); }
std::int64_t bits(std::int64_t value) { return value; }
const std::string& bits(const std::string& value) { return value; }

template <typename Row>
bool same_rows(std::span<const record::Column<Row>> columns, std::span<const Row> a, std::span<const Row> b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](const Row& first, const Row& second) {
    return std::all_of(columns.begin(), columns.end(), [&](const record::Column<Row>& column) {
      return std::visit([&](auto get) { return bits(get(first)) == bits(get(second)); }, column.get);
    });
  });
}

template <typename Row>
bool same_row(std::span<const record::Column<Row>> columns, const Row& a, const Row& b) {
  return same_rows(columns, std::span(&a, 1), std::span(&b, 1));
}

/// The rows of each run of a shard, by ascending step.
struct FullRun {
  const record::RunRow* run = nullptr;
  std::vector<record::PairRow> pairs;
  std::vector<record::LayerRow> layers;
};

std::unordered_map<std::string, FullRun> full_runs(const Shard& shard) {
  std::unordered_map<std::string, FullRun> runs;
  for (const record::RunRow& run : shard.rows.runs) {
    runs[run.run_id].run = &run;
  }
  for (const record::PairRow& row : shard.rows.pairs) {
    runs[row.run_id].pairs.push_back(row);
  }
  for (const record::LayerRow& row : shard.rows.layers) {
    runs[row.run_id].layers.push_back(row);
  }
  const auto by_step = [](const auto& a, const auto& b) { return a.step < b.step; };
  for (auto& [id, full] : runs) {
    std::stable_sort(full.pairs.begin(), full.pairs.end(), by_step);
    std::stable_sort(full.layers.begin(), full.layers.end(), by_step);
  }
  return runs;
}

bool same_run(const FullRun& a, const FullRun& b) {
  return same_row(record::run_columns(), *a.run, *b.run) &&
         same_rows<record::PairRow>(record::pair_columns(), a.pairs, b.pairs) &&
         same_rows<record::LayerRow>(record::layer_columns(), a.layers, b.layers);
}

PlacedPair placed(const record::PairRow& row, RowPlace place) {
  return {row.step, row.verification_error, row.status, place};
}
PlacedLayer placed(const record::LayerRow& row, RowPlace place) { return {row.step, place}; }

template <typename Row, typename Placed>
void distribute(const std::vector<Row>& rows, std::uint32_t shard, std::unordered_map<std::string, RunRows>& runs,
                std::vector<Placed> RunRows::*member) {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto run = runs.find(rows[i].run_id);
    if (run == runs.end()) {
      throw Error("has rows of run " + rows[i].run_id + ", but not the run");
    }
    (run->second.*member).push_back(placed(rows[i], {shard, static_cast<std::uint32_t>(i)}));
  }
  for (auto& [id, run] : runs) {
    std::stable_sort((run.*member).begin(), (run.*member).end(),
                     [](const Placed& a, const Placed& b) { return a.step < b.step; });
  }
}

[[noreturn]] void refuse(const std::string& what) {
  throw Error(what + " was computed before with other results: the computation is not deterministic here");
}

}  // namespace

bool is_key_column(std::string_view table, std::string_view column) {
  if (table != "pairs" && table != "layers") {
    return true;
  }
  return column == "run_id" || column == "step" ||
         (table == "pairs" && (column == "status" || column == "verification_error"));
}

void Collected::add(Shard shard, const std::string& name) try {
  const auto index = static_cast<std::uint32_t>(shards.size());
  shards.push_back(name);
  std::unordered_map<std::string, RunRows> here;
  for (record::RunRow& run : shard.rows.runs) {
    const auto [entry, is_new] = here.try_emplace(run.run_id);
    if (!is_new) {
      throw Error("holds run " + run.run_id + " twice");
    }
    entry->second.run = std::move(run);
    entry->second.shard = index;
  }
  distribute(shard.rows.pairs, index, here, &RunRows::pairs);
  distribute(shard.rows.layers, index, here, &RunRows::layers);
  std::map<std::uint32_t, std::vector<std::string>> again;  // runs that an earlier shard holds
  for (auto& [id, rows] : here) {
    const auto [known, is_new] = runs.try_emplace(id, std::move(rows));
    if (!is_new) {
      again[known->second.shard].push_back(id);
    }
  }
  compare(name, again);
  for (record::CurveRow& row : shard.rows.curves) {
    Curve& curve = curves[row.original_id];
    const auto [known, is_new] = curve.try_emplace({row.measure_id, row.step}, std::move(row));
    if (!is_new && !same_row(record::curve_columns(), known->second, row)) {
      refuse("the curve of tree " + row.original_id + " at step " + std::to_string(row.step));
    }
  }
  add_twins(shard.rows.twins);
  add_groups(shard.rows.distances);
  telemetry.insert(telemetry.end(), std::make_move_iterator(shard.telemetry.begin()),
                   std::make_move_iterator(shard.telemetry.end()));
} catch (const Error& error) {
  throw Error(name + ": " + error.what());
}

void Collected::compare(const std::string& name, const std::map<std::uint32_t, std::vector<std::string>>& again) const {
  if (again.empty()) {
    return;
  }
  const Shard here = load_(name);
  const auto runs_here = full_runs(here);
  for (const auto& [shard, ids] : again) {
    const Shard there = load_(shards[shard]);
    const auto runs_there = full_runs(there);
    for (const std::string& id : ids) {
      if (!same_run(runs_here.at(id), runs_there.at(id))) {
        refuse("run " + id);
      }
    }
  }
}

void Collected::add_twins(std::vector<record::TwinRow>& rows) {
  for (record::TwinRow& row : rows) {
    Twin& twin = twins[row.original_id];
    const auto [known, is_new] = twin.try_emplace(row.step, std::move(row));
    if (!is_new && !same_row(record::twin_columns(), known->second, row)) {
      refuse("the twin of tree " + row.original_id + " at step " + std::to_string(row.step));
    }
  }
}

void Collected::add_groups(std::vector<record::DistanceRow>& rows) {
  std::unordered_map<std::string, std::vector<record::DistanceRow>> here;
  for (record::DistanceRow& row : rows) {
    here[row.group_id].push_back(std::move(row));
  }
  for (auto& [id, of_group] : here) {
    const auto [known, is_new] = groups.try_emplace(id, std::move(of_group));
    if (!is_new && !same_rows<record::DistanceRow>(record::distance_columns(), known->second, of_group)) {
      refuse("comparison group " + id);
    }
  }
}

}  // namespace unroll::store
