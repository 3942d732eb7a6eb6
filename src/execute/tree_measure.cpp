// The measuring side of a tree: states at a step become rows.
#include <algorithm>
#include <chrono>
#include <cmath>

#include "execute/repeat.hpp"
#include "execute/tree_runner.hpp"
#include "unroll/learn/evaluate.hpp"
#include "unroll/record/planned.hpp"

namespace unroll::execute {

void TreeRunner::at_clock(std::int64_t step, const learn::LanePack& pack) {
  const auto original = pack.state(original_lane_);
  pool_.reset();
  evaluated_.clear();
  for (const auto& fork : forks_) {
    for (const auto& [text, unlearner] : fork.unlearners) {
      unlearner->at_clock(step, original);
    }
  }
  for (const auto& track : tracks_) {
    if (track->is_due(step)) {
      track->measure(step, original, order_.batch(step > 0 ? step - 1 : 0),
                     std::sqrt(metrics::squared_distance(original.weights, start_.weights)));
    }
  }
  const auto started = std::chrono::steady_clock::now();
  for (auto& [key, error] : checkpointed_) {
    error.at_clock(step, original.weights, last_lr(step), *tracks_[key.first]);
  }
  for (auto& run : runs_) {
    if (std::binary_search(run.steps.begin(), run.steps.end(), step)) {
      measure(run, step, pack);
    }
  }
  measure_noise(step, pack);
  measure_seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
}

model::State TreeRunner::Models::unlearned() const {
  const auto weights = original.weights.to(torch::kFloat64) + correction;
  return {weights.to(original.weights.scalar_type()), left.buffers};
}

TreeRunner::Models TreeRunner::models_of(const RunState& run, std::int64_t step, const learn::LanePack& pack) const {
  Models models;
  models.original = pack.state(original_lane_);
  const bool moved = moves_statistics(context_.cell(run.run->cell));
  models.left = moved ? forks_[run.run->fork].moved->of(models.original) : models.original;
  models.correction = run.unlearner->correction(models.original);
  models.retrained = retrained_state(run.run->fork, step, pack);
  return models;
}

model::State TreeRunner::retrained_state(std::size_t fork, std::int64_t step, const learn::LanePack& pack) const {
  const auto lane = fork_lanes_.find(fork);
  if (tree_.forks[fork].repeat) {
    return repeated_state(*network_, *repeat_, step, data_->dtype());
  }
  if (lane != fork_lanes_.end() && step > first_step(fork)) {
    return pack.state(lane->second);
  }
  return pack.state(original_lane_);  // nothing is forgotten before the fork
}

void TreeRunner::measure(RunState& run, std::int64_t step, const learn::LanePack& pack) {
  const auto& settings = context_.cell(run.run->cell);
  const auto& fork = forks_[run.run->fork];
  const auto models = models_of(run, step, pack);
  PairMeasurement measured;
  measured.distances = metrics::pair_distances(network_->layout(), models.original.weights, models.retrained.weights,
                                               models.correction, start_.weights);
  measured.buffers_retrained = metrics::squared_distance(models.left.buffers, models.retrained.buffers);
  measured.track = tracks_[run.track].get();
  measured.estimates = run.estimates;
  measured.counts = fork.counts;
  measured.total_steps = plan_.total_steps(run.run->cell);
  if (run.checkpointed != nullptr) {
    measured.checkpointed = run.checkpointed->at(step, models.original.weights, last_lr(step), *measured.track);
  }
  measured.is_control = fork.is_control;
  measured.is_fresh = fork.fresh_order.has_value();
  const auto& total = measured.distances.total;
  const bool finite = std::isfinite(total.verification) && std::isfinite(total.from_start);
  measured.proxy_form = proxy_form_of(settings, fork.counts);
  if (finite && measured.proxy_form != ProxyForm::none) {
    measured.one_hvp = run.estimates->one_hvp(rates_, *measured.track, measured.proxy_form == ProxyForm::at_start);
    if (fork.counts.num_touched > 0) {
      measured.hessian_gradient_norm = run.estimates->hessian_gradient_norm(*measured.track);
    }
  }
  Undefined undefined;
  auto row = make_pair_row(
      settings, step, [&](std::int64_t s) { return hyper_.lr_at(s); }, measured, undefined);
  row.run_id = run.run->id;
  row.cell = static_cast<std::int64_t>(run.run->cell);
  row.seed = plan_.seeds[run.run->seed];
  if (row.status == "diverged") {
    if (run.status == "ok") {
      const bool has_start = torch::isfinite(start_.weights).all().item<bool>();
      run.reason = has_start ? "weights are not finite at step " + std::to_string(step)
                             : "w_0 is not finite: pretraining diverged";
    }
    run.status = "diverged";
  } else {
    measure_outputs(run, models, row, undefined);
    if (settings.measure.layers) {
      auto layers = make_layer_rows(network_->layout(), measured.distances, row.run_id, step);
      std::move(layers.begin(), layers.end(), std::back_inserter(record_.layers));
    }
  }
  keep_arrays(run, models, step);
  row.undefined = undefined.text();
  record_.pairs.push_back(std::move(row));
}

Predictions TreeRunner::original_predictions(const RunState& run, const model::State& original) {
  const auto& rows = run.evaluation;
  const auto& settings = context_.cell(run.run->cell);
  if (moves_statistics(settings)) {
    return evaluated("original, moved", run, original).scores.mean;
  }
  if (settings.measure.eval_rows) {
    return evaluated("original", run, original).scores.mean;
  }
  if (!pool_) {
    pool_ = pool_scores(*network_, *data_, original, *finetune_rows_, rows.test);
  }
  return predictions_of(*pool_, rows);
}

const TreeRunner::Evaluated& TreeRunner::evaluated(const char* model, const RunState& run, const model::State& state) {
  const auto& rows = run.evaluation;
  const auto key = std::string(model) + "." + std::to_string(run.run->fork) + "." + std::to_string(rows.test.size()) +
                   "." + std::to_string(rows.retain.size());
  auto known = evaluated_.find(key);
  if (known == evaluated_.end()) {
    const auto logits = outputs_of(*network_, *data_, state, rows);
    known = evaluated_.emplace(key, Evaluated{logits, scores_of(*data_, logits, rows)}).first;
  }
  return known->second;
}

void TreeRunner::measure_outputs(RunState& run, const Models& models, record::PairRow& row, Undefined& undefined) {
  const auto& settings = context_.cell(run.run->cell);
  if (!settings.measure.outputs && !settings.output.logits) {
    undefined.add("outputs", "not_asked");
    return;
  }
  const auto& rows = run.evaluation;
  const auto& retrained = evaluated("retrained", run, models.retrained);
  const auto state = models.unlearned();
  const auto unlearned = outputs_of(*network_, *data_, state, rows);
  if (settings.output.logits) {
    append_logits(run.logits, row.step, "original", outputs_of(*network_, *data_, models.left, rows));
    append_logits(run.logits, row.step, "retrained", retrained.logits);
    append_logits(run.logits, row.step, "unlearned", unlearned);
  }
  if (!settings.measure.outputs) {
    undefined.add("outputs", "not_asked");
    return;
  }
  std::optional<Scores> reestimated;
  if (network_->layout().num_buffers == 0) {
    undefined.add("reestimated", "no_batchnorm");
  } else if (rows.retain.empty()) {
    undefined.add("reestimated", "no_rows");
  } else {
    const auto buffers = learn::reestimated_buffers(*network_, state, *data_, rows.retain);
    reestimated = scores_of(*data_, outputs_of(*network_, *data_, {state.weights, buffers}, rows), rows);
  }
  const auto original = original_predictions(run, models.left);
  const auto scores = scores_of(*data_, unlearned, rows);
  const auto fill = [&](const char* name, const char* when_empty, bool is_empty, const SetOf& set,
                        record::SetOutputs& columns) {
    if (is_empty) {
      undefined.add(name, when_empty);
      return;
    }
    const auto filled = set_outputs(set, original, retrained.scores, scores, reestimated ? &*reestimated : nullptr);
    if (filled) {
      columns = *filled;
    } else {
      undefined.add(name, "diverged");
    }
  };
  fill("forget", "no_forget_rows", rows.forget.empty(), {&Scores::forget, &Predictions::forget}, row.forget);
  fill("retain", "no_rows", rows.retain.empty(), {&Scores::retain, &Predictions::retain}, row.retain);
  fill("test", "no_rows", rows.test.empty(), {&Scores::test, &Predictions::test}, row.test);
  if (!run.run->shadow) {
    undefined.add("risk", "not_asked");
    return;
  }
  const auto risks = pair_risks(run, models, scores);
  add_risks(risks, row, undefined);
  if (settings.output.logits) {
    append_risks(run.logits, row.step, risks);
  }
}

PairRisks TreeRunner::pair_risks(const RunState& run, const Models& models, const Scores& unlearned) {
  const auto& prs = context_.cell(run.run->cell).prs;
  const auto& table = *risk_tables_.at(risk_key(plan_, *run.run));
  const auto risks = [&](const model::State& state, const Scores& scores) {
    return risks_of(*network_, *data_, state, run.evaluation, scores, prs, table);
  };
  const char* original = moves_statistics(context_.cell(run.run->cell)) ? "original, moved" : "original";
  return {risks(models.left, evaluated(original, run, models.left).scores),
          risks(models.retrained, evaluated("retrained", run, models.retrained).scores),
          risks(models.unlearned(), unlearned)};
}

void TreeRunner::keep_arrays(RunState& run, const Models& models, std::int64_t step) {
  const auto& settings = context_.cell(run.run->cell);
  if (step != run.steps.back()) {
    return;
  }
  if (settings.output.weights == config::WeightsOutput::final_step) {
    const auto& layout = network_->layout();
    const std::string at = "-t" + std::to_string(step) + ".h5";
    const auto keep = [&](const std::string& name, const model::State& state) {
      if (kept_.insert(name + at).second) {  // M is one for all runs, M' for all methods
        sink_("weights/" + name + at, {model::to_arrays(layout, state.weights, state.buffers), {}});
      }
    };
    keep("original-" + tree_.id, models.original);
    keep("retrained-" + tree_.forks[run.run->fork].id, models.retrained);
    keep("unlearned-" + run.run->id, models.unlearned());
  }
  if (settings.output.logits) {
    append_rows(run.logits, run.evaluation);
    sink_("logits/" + run.run->id + ".h5", {std::move(run.logits), {}});
  }
}

record::TreeRecord TreeRunner::take_record() {
  for (const auto& run : runs_) {
    record_.runs.push_back(record::planned_run(plan_, *run.run));
    record_.runs.back().status = run.status;
    record_.runs.back().reason = run.reason;
  }
  for (const auto& track : tracks_) {
    record_.curves.insert(record_.curves.end(), track->curve().begin(), track->curve().end());
  }
  return std::move(record_);
}

double TreeRunner::curvature_seconds() const {
  double seconds = 0;
  for (const auto& track : tracks_) {
    seconds += track->seconds();
  }
  return seconds;
}

}  // namespace unroll::execute
