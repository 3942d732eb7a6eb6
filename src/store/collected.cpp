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

bool same_run(const RunRows& a, const RunRows& b) {
  return same_row(record::run_columns(), a.run, b.run) &&
         same_rows<record::PairRow>(record::pair_columns(), a.pairs, b.pairs) &&
         same_rows<record::LayerRow>(record::layer_columns(), a.layers, b.layers);
}

template <typename Row>
void distribute(std::vector<Row>& rows, std::unordered_map<std::string, RunRows>& runs,
                std::vector<Row> RunRows::*member) {
  std::stable_sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.step < b.step; });
  for (Row& row : rows) {
    const auto run = runs.find(row.run_id);
    if (run == runs.end()) {
      throw Error("has rows of run " + row.run_id + ", but not the run");
    }
    (run->second.*member).push_back(std::move(row));
  }
}

[[noreturn]] void refuse(const std::string& what) {
  throw Error(what + " was computed before with other results: the computation is not deterministic here");
}

}  // namespace

void Collected::add(Shard shard, const std::string& name) try {
  std::unordered_map<std::string, RunRows> here;
  for (record::RunRow& run : shard.rows.runs) {
    const auto [entry, is_new] = here.try_emplace(run.run_id);
    if (!is_new) {
      throw Error("holds run " + run.run_id + " twice");
    }
    entry->second.run = std::move(run);
  }
  distribute(shard.rows.pairs, here, &RunRows::pairs);
  distribute(shard.rows.layers, here, &RunRows::layers);
  for (auto& [id, rows] : here) {
    const auto [known, is_new] = runs.try_emplace(id, std::move(rows));
    if (!is_new && !same_run(known->second, rows)) {  // what is not emplaced is not moved from
      refuse("run " + id);
    }
  }
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
  throw Error("shards/" + name + ": " + error.what());
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
