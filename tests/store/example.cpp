#include "example.hpp"

#include <cmath>

#include "unroll/base/sha256.hpp"
#include "unroll/store/attempt.hpp"

namespace unroll::store::example {
namespace {

// A reproducible number in [0.5, 1.5) for a name.
double noise(const std::string& name) {
  return 0.5 + static_cast<double>(std::stoul(sha256(name).substr(0, 6), nullptr, 16)) / 0x1000000;
}

std::string stage_id(const std::string& kind, std::size_t cell, std::size_t seed) {
  return sha256(kind + std::to_string(cell) + "," + std::to_string(seed));
}

record::PairRow pair_row(const plan::Plan& plan, const plan::Run& run, std::int64_t step) {
  const config::Settings& cell = plan.cells[run.cell];
  const bool is_control = cell.forget.kind == config::ForgetKind::none;
  const std::string name = run.id + std::to_string(step);
  record::PairRow row;
  row.run_id = run.id;
  row.cell = static_cast<std::int64_t>(run.cell);
  row.seed = plan.seeds[run.seed];
  row.step = step;
  row.lr = cell.train.lr;
  row.distance_from_start = cell.train.lr * static_cast<double>(step) * noise("w" + name);
  row.verification_error = row.no_unlearning_distance = 0;
  if (step == 0 || is_control) {
    row.status = "not_yet_seen";
    row.undefined = "fraction_left=not_yet_seen";
    return row;
  }
  row.num_touched_steps = 1;
  row.eta_gradient_norm = cell.train.lr * noise("g" + run.id);
  row.correction_norm = row.eta_gradient_norm;
  row.no_unlearning_distance = row.eta_gradient_norm * noise("m" + name);
  row.verification_error = row.eta_gradient_norm * cell.train.lr * static_cast<double>(step) * noise("v" + name);
  row.fraction_left = row.verification_error / row.no_unlearning_distance;
  row.sigma = 4 * noise("s" + name);
  row.unlearning_error[0] =
      std::pow(cell.train.lr, 2) * static_cast<double>(step - 1) / 2 * row.distance_from_start * row.sigma;
  row.test = {0.95, 0.94, 0.93 + 0.01 * noise(name), record::kUndefined, 0.1, 0.1, 0.1, 0.01, 0.01, 0.1};
  row.forget = row.test;
  row.forget.accuracy_original = 1;
  return row;
}

}  // namespace

config::Study study(std::int64_t num_seeds) {
  config::Study study;
  study.name = "example";
  study.file = "example.ini";
  for (std::int64_t seed = 0; seed < num_seeds; ++seed) {
    study.seeds.push_back(seed);
  }
  study.cells.resize(3);
  study.cells[0].train.lr = 0.01;
  study.cells[1].train.lr = 0.1;
  study.cells[2].forget.kind = config::ForgetKind::none;
  for (config::Settings& cell : study.cells) {
    cell.measure.steps = {0, 10, 20};
  }
  return study;
}

plan::Plan plan(const config::Study& study) {
  plan::Plan plan;
  plan.cells = study.cells;
  plan.seeds = study.seeds;
  dataset::Description description;
  description.num_train = 1000;
  plan.descriptions.push_back(std::make_shared<const dataset::Description>(std::move(description)));
  plan.description_of_cell.assign(study.cells.size(), 0);
  plan.forget_sets.emplace_back().rows = {0, 1, 2};
  plan.forget_sets.back().hash = sha256("forget");
  plan.pretrainings.emplace_back().id = sha256("pretraining");
  for (std::size_t cell = 0; cell < study.cells.size(); ++cell) {
    for (std::size_t seed = 0; seed < study.seeds.size(); ++seed) {
      plan::Tree tree;
      tree.id = stage_id("tree", cell, seed);
      tree.cell = cell;
      tree.num_steps = 20;
      tree.forks.emplace_back().id = stage_id("fork", cell, seed);
      tree.runs.push_back(plan.runs.size());
      plan::Run& run = plan.runs.emplace_back();
      run.id = stage_id("run", cell, seed);
      run.cell = cell;
      run.seed = seed;
      run.tree = plan.trees.size();
      plan.trees.push_back(std::move(tree));
    }
  }
  plan.totals.model_steps_asked = 2000;
  plan.totals.model_steps_trained = 1200;
  plan.id = sha256("plan" + config::scientific_text(study));
  return plan;
}

Identity identity(const config::Study& study, const plan::Plan& plan) {
  return {config::scientific_text(study), plan.id, "torch=2.11.0;isa=AVX2;threads=1"};
}

record::TreeRecord tree(const plan::Plan& plan, std::size_t index) {
  const plan::Tree& planned = plan.trees[index];
  const plan::Run& run = plan.runs[planned.runs.front()];
  record::TreeRecord record;
  record::RunRow row;
  row.run_id = run.id;
  row.cell = static_cast<std::int64_t>(run.cell);
  row.seed = plan.seeds[run.seed];
  row.original_id = planned.id;
  row.retrained_id = planned.forks.front().id;
  record.runs.push_back(row);
  for (const std::int64_t step : {0, 10, 20}) {
    record.pairs.push_back(pair_row(plan, run, step));
    record.layers.push_back({run.id, step, "fc1.weight", 4096, 0.5, 1.5, 0.25});
    record.curves.push_back({planned.id, step, sha256("measure"), 4, -1, 4, 1e-4, 20, 1, 0.5});
  }
  return record;
}

record::TelemetryRow telemetry(const plan::Plan& plan, std::size_t index, int rank) {
  record::TelemetryRow row;
  row.item_id = plan.trees[index].id;
  row.kind = "tree";
  row.rank = rank;
  row.host = "node-" + std::to_string(rank);
  row.start_s = 1.7e9 + static_cast<double>(index);
  row.train_s = 2.5;
  row.model_steps = 40;
  return row;
}

void write(const std::string& folder) {
  const config::Study example_study = study();
  const plan::Plan example_plan = plan(example_study);
  const Identity owner = identity(example_study, example_plan);
  prepare(folder, owner);
  const Attempt attempt(folder, this_process(1));
  Writer writer(folder, 0, owner.numerics_key);
  for (std::size_t i = 0; i < example_plan.trees.size(); ++i) {
    const std::vector<record::TreeRecord> trees = {tree(example_plan, i)};
    const std::vector<record::TelemetryRow> rows = {telemetry(example_plan, i, 0)};
    writer.commit(trees, rows);
  }
  (void)merge(folder, example_study, example_plan);
  append_outcome(folder, attempt.number(), "complete");
}

}  // namespace unroll::store::example
