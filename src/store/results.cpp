#include "results.hpp"

#include <algorithm>
#include <tuple>

#include "columns.hpp"
#include "floors.hpp"
#include "unroll/base/text.hpp"
#include "unroll/config/keys.hpp"
#include "unroll/record/planned.hpp"

namespace unroll::store {
namespace {

std::string value_in(const config::Key& key, const config::Settings& settings) {
  return key.acts.holds(settings) ? key.canonical(settings) : std::string();
}

[[noreturn]] void mistyped(const config::Key& key, const std::string& text) {
  throw Error("the value '" + text + "' of " + std::string(key.name) + " is not of the type of its column");
}

hdf5::TableColumn integer_column(const config::Key& key, const std::vector<std::string>& texts) {
  std::vector<std::int64_t> values;
  for (const std::string& text : texts) {
    const std::optional<std::int64_t> value = text.empty() ? std::optional<std::int64_t>(-1) : parse_integer(text);
    values.push_back(value ? *value : (mistyped(key, text), 0));
  }
  return {std::string(key.name), std::move(values), "1", std::string(key.help), 0, {}};
}

hdf5::TableColumn real_column(const config::Key& key, const std::vector<std::string>& texts) {
  std::vector<double> values;
  for (const std::string& text : texts) {
    const std::optional<double> value = text.empty() ? std::optional<double>(record::kUndefined) : parse_real(text);
    values.push_back(value ? canonical(*value) : (mistyped(key, text), 0.0));
  }
  return {std::string(key.name), std::move(values), "1", std::string(key.help), 0, {}};
}

hdf5::TableColumn text_column(const config::Key& key, std::vector<std::string> texts) {
  std::size_t size = 16;
  for (const std::string& text : texts) {
    size = std::max(size, (text.size() + 15) / 16 * 16);
  }
  return {std::string(key.name), std::move(texts), "1", std::string(key.help), size, {}};
}

hdf5::TableColumn cell_column(const config::Key& key, const std::vector<config::Settings>& cells) {
  std::vector<std::string> texts;
  for (const config::Settings& cell : cells) {
    texts.push_back(value_in(key, cell));
  }
  switch (key.type) {
    case config::ValueType::integer:
      return integer_column(key, texts);
    case config::ValueType::real:
      return real_column(key, texts);
    case config::ValueType::text:
      break;
  }
  return text_column(key, std::move(texts));
}

/// A run without results: failed, or not done yet.
record::RunRow unfinished_run(const plan::Plan& plan, const plan::Run& run, const Collected& collected) {
  record::RunRow row = record::planned_run(plan, run);
  const auto failed = collected.failures.find(run.id);
  const bool has_failed = failed != collected.failures.end();
  row.status = has_failed ? "failed" : "missing";
  row.reason = has_failed ? failed->second.reason : "not finished when the results were merged";
  return row;
}

void add_digests(hdf5::Table& table) {
  for (hdf5::TableColumn& column : table.columns) {
    column.attributes["sha256"] = column_digest(column);
  }
}

// Everything in plan order.
struct OrderedRows {
  std::vector<record::RunRow> unfinished;  // owns what runs points to
  std::vector<const record::RunRow*> runs;
  std::vector<RowPlace> pairs;
  std::vector<RowPlace> layers;
  std::vector<const record::CurveRow*> curves;
};

template <typename Row>
void append(const std::vector<Row>& rows, std::vector<const Row*>& out) {
  for (const Row& row : rows) {
    out.push_back(&row);
  }
}

template <typename Placed>
void append_places(const std::vector<Placed>& rows, std::vector<RowPlace>& out) {
  for (const Placed& row : rows) {
    out.push_back(row.place);
  }
}

OrderedRows order_rows(const plan::Plan& plan, const Collected& collected, MergeSummary& summary) {
  OrderedRows rows;
  rows.unfinished.reserve(plan.runs.size());
  for (const plan::Run& run : plan.runs) {
    const auto found = collected.runs.find(run.id);
    if (found == collected.runs.end()) {
      rows.runs.push_back(&rows.unfinished.emplace_back(unfinished_run(plan, run, collected)));
      ++(rows.runs.back()->status == "failed" ? summary.num_failed_runs : summary.num_missing_runs);
      continue;
    }
    rows.runs.push_back(&found->second.run);
    ++summary.num_runs;
    summary.num_failed_runs += found->second.run.status == "ok" ? 0 : 1;
    append_places(found->second.pairs, rows.pairs);
    append_places(found->second.layers, rows.layers);
  }
  for (const plan::Tree& tree : plan.trees) {
    const auto found = collected.curves.find(tree.id);
    if (found != collected.curves.end()) {
      for (const auto& [point, row] : found->second) {
        rows.curves.push_back(&row);
      }
    }
  }
  summary.num_pairs = static_cast<std::int64_t>(rows.pairs.size());
  return rows;
}

void write(hdf5::TableStream& out, hdf5::Table table) {
  add_digests(table);
  out.table(table);
}

/// /distances, group by group in plan order, and /floors.
void write_noise(hdf5::TableStream& out, const plan::Plan& plan, const Collected& collected, MergeSummary& summary) {
  std::vector<const record::DistanceRow*> distances;
  for (const plan::Group& group : plan.groups) {
    const auto found = collected.groups.find(group.id);
    if (found != collected.groups.end()) {
      append(found->second, distances);
    } else {
      ++summary.num_open_groups;
    }
  }
  if (!distances.empty()) {
    write(out, to_table<record::DistanceRow>("distances", "one row a comparison group, step and pair of its models",
                                             record::distance_columns(), distances));
  }
  const std::vector<record::FloorRow> rows = floor_rows(plan, collected);
  std::vector<const record::FloorRow*> floors;
  append(rows, floors);
  if (!floors.empty()) {
    write(out, to_table<record::FloorRow>(
                   "floors", "one row a run and measured step: its verification error beside the noise floors",
                   record::floor_columns(), floors));
  }
}

}  // namespace

hdf5::Table cells_table(const std::vector<config::Settings>& cells) {
  hdf5::Table table{
      "cells", "one row a cell: every scientific key; -1, NaN or empty where it is unset or does not act", {}};
  std::vector<std::int64_t> index(cells.size());
  for (std::size_t i = 0; i < cells.size(); ++i) {
    index[i] = static_cast<std::int64_t>(i);
  }
  table.columns.push_back({"cell", std::move(index), "1", "number of the cell", 0, {}});
  for (const config::Key& key : config::keys()) {
    if (key.role == config::KeyRole::scientific) {
      table.columns.push_back(cell_column(key, cells));
    }
  }
  return table;
}

MergeSummary write_results(const std::string& path, const config::Study& study, const plan::Plan& plan,
                           const std::string& numerics_key, const Collected& collected, const LoadColumns& load) {
  MergeSummary summary;
  const OrderedRows rows = order_rows(plan, collected, summary);
  hdf5::TableStream out(path);
  out.root({{"format", kResultsFormat}, {"version", kResultsVersion}, {"plan_id", plan.id}},
           {{"scientific_config", config::scientific_text(study)}, {"numerics_key", numerics_key}});
  write(out, cells_table(plan.cells));
  write(out, to_table<record::RunRow>("runs", "one row a run: a cell with a seed", record::run_columns(), rows.runs));
  write_pairs(out, rows.pairs, collected.shards, load);
  if (!rows.layers.empty()) {
    write_layers(out, rows.layers, collected.shards, load);
  }
  if (!rows.curves.empty()) {
    write(out, to_table<record::CurveRow>("curves", "one row a step at which M's curvature was measured",
                                          record::curve_columns(), rows.curves));
  }
  write_noise(out, plan, collected, summary);
  out.close();
  return summary;
}

hdf5::TableFile telemetry_file(const config::Study& study, const plan::Plan& plan,
                               std::vector<record::TelemetryRow> rows, const std::string& merged_at) {
  std::sort(rows.begin(), rows.end(), [](const record::TelemetryRow& a, const record::TelemetryRow& b) {
    return std::tie(a.start_s, a.rank, a.item_id) < std::tie(b.start_s, b.rank, b.item_id);
  });
  std::vector<const record::TelemetryRow*> pointers;
  for (const record::TelemetryRow& row : rows) {
    pointers.push_back(&row);
  }
  hdf5::TableFile file;
  file.attributes = {{"format", kTelemetryFormat},
                     {"version", kResultsVersion},
                     {"plan_id", plan.id},
                     {"study", printable(study.name, 1000)},
                     {"config_file", printable(study.file, 1000)},
                     {"merged_at", merged_at},
                     {"model_steps_asked", std::to_string(plan.totals.model_steps_asked)},
                     {"model_steps_planned", std::to_string(plan.totals.model_steps_trained)}};
  file.texts = {{"operational_config", config::operational_text(study)}};
  file.tables = {to_table<record::TelemetryRow>("items", "one row a pretraining or tree that a rank finished",
                                                record::telemetry_columns(), pointers)};
  std::for_each(file.tables.begin(), file.tables.end(), add_digests);
  return file;
}

}  // namespace unroll::store
