// fill_folder STUDY.ini DIR TREES_PER_SHARD: a folder of results as a finished study of that plan leaves it, with
// made-up rows: every number that a measured row has is there and random, so that nothing compresses better than in
// earnest.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <variant>
#include <vector>

#include "unroll/app/prepare.hpp"
#include "unroll/base/error.hpp"
#include "unroll/record/planned.hpp"
#include "unroll/store/store.hpp"

namespace {

using namespace unroll;

/// splitmix64: the same rows at every run.
class Numbers {
 public:
  double next() {
    state_ += 0x9E3779B97F4A7C15u;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    z ^= z >> 31;
    return std::ldexp(static_cast<double>(z >> 11), -53);
  }

 private:
  std::uint64_t state_ = 1;
};

record::PairRow pair_row(const plan::Plan& plan, const plan::Run& run, std::int64_t step, Numbers& numbers) {
  record::PairRow row;
  for (const auto& column : record::pair_columns()) {
    if (std::holds_alternative<double (*)(const record::PairRow&)>(column.get)) {
      column.set(row, std::exp(-8 * numbers.next()));
    }
  }
  row.run_id = run.id;
  row.cell = static_cast<std::int64_t>(run.cell);
  row.seed = plan.seeds[run.seed];
  row.step = step;
  row.num_touched_steps = 1;
  row.num_forgotten_draws = row.num_skipped_steps = plan.cells[run.cell].train.batch;
  row.lr = plan.cells[run.cell].train.lr;
  row.sigma_mode = "train";
  row.verification_error_with_buffers = row.no_unlearning_distance_with_buffers = record::kUndefined;
  row.undefined =
      "verification_error_with_buffers=no_batchnorm;no_unlearning_distance_with_buffers=no_batchnorm;"
      "accuracy_unlearned_reestimated=no_batchnorm";
  return row;
}

record::TreeRecord tree_record(const plan::Plan& plan, const plan::Tree& tree, Numbers& numbers) {
  record::TreeRecord record;
  for (const std::size_t index : tree.runs) {
    const plan::Run& run = plan.runs[index];
    record.runs.push_back(record::planned_run(plan, run));
    for (const std::int64_t step : plan.measured_steps(run)) {
      record.pairs.push_back(pair_row(plan, run, step, numbers));
    }
  }
  return record;
}

record::TelemetryRow telemetry(const plan::Tree& tree) {
  record::TelemetryRow row;
  row.item_id = tree.id;
  row.kind = "tree";
  row.host = "made-up";
  row.num_lanes = 1;
  row.model_steps = tree.num_steps;
  return row;
}

void fill(const std::string& study, const std::string& folder, std::size_t trees_per_shard) {
  const app::Prepared prepared = app::prepare(study, {}, app::MemoryCheck::no);
  const plan::Plan& plan = prepared.plan;
  const std::string numerics_key = "made-up rows";
  store::prepare(folder, {config::scientific_text(prepared.study), plan.id, numerics_key});
  app::save_study(folder, {.study = study, .output = folder, .sets = {}});
  store::Writer writer(folder, 0, numerics_key);
  Numbers numbers;
  std::vector<record::TreeRecord> records;
  std::vector<record::TelemetryRow> rows;
  for (const plan::Tree& tree : plan.trees) {
    records.push_back(tree_record(plan, tree, numbers));
    rows.push_back(telemetry(tree));
    if (records.size() == trees_per_shard || &tree == &plan.trees.back()) {
      writer.commit(records, rows);
      records.clear();
      rows.clear();
    }
  }
  std::cout << plan.totals.num_measured_rows << "\n";
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 4) {
    throw unroll::UsageError("usage: fill_folder STUDY.ini DIR TREES_PER_SHARD");
  }
  fill(argv[1], argv[2], static_cast<std::size_t>(std::atoll(argv[3])));
  return 0;
} catch (const std::exception& error) {
  std::cerr << error.what() << "\n";
  return 1;
}
