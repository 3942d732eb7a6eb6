#include "execute/fork_outputs.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include "unroll/learn/evaluate.hpp"

namespace unroll::execute {
namespace {

void append_array(std::vector<hdf5::Array>& arrays, std::string name, const torch::Tensor& values) {
  const auto flat = values.cpu().contiguous();
  hdf5::Array array;
  array.name = std::move(name);
  array.type = flat.scalar_type() == torch::kFloat64   ? hdf5::ElementType::float64
               : flat.scalar_type() == torch::kFloat32 ? hdf5::ElementType::float32
                                                       : hdf5::ElementType::int64;
  array.shape = flat.sizes().vec();
  array.bytes.resize(static_cast<std::size_t>(flat.numel()) * flat.element_size());
  if (!array.bytes.empty()) {
    std::memcpy(array.bytes.data(), flat.data_ptr(), array.bytes.size());
  }
  arrays.push_back(std::move(array));
}

torch::Tensor to_tensor(const std::vector<std::int64_t>& rows) {
  auto tensor = torch::empty({static_cast<std::int64_t>(rows.size())}, torch::kInt64);
  std::copy(rows.begin(), rows.end(), tensor.data_ptr<std::int64_t>());
  return tensor;
}

}  // namespace

EvaluationRows evaluation_rows(const plan::Plan& plan, const plan::Tree& tree, const plan::Fork& fork,
                               const config::Settings& settings) {
  const auto& forget_set = plan.forget_sets[fork.forget_set];
  EvaluationRows rows;
  rows.forget = forget_set.skipped_step ? plan.order_of(tree).batch(*forget_set.skipped_step) : forget_set.rows;
  std::sort(rows.forget.begin(), rows.forget.end());
  const auto limit = static_cast<std::size_t>(settings.measure.eval_rows.value_or(INT64_MAX));
  const auto finetune_rows = plan.finetune_rows(tree);
  for (std::size_t place = 0; place < finetune_rows->size(); ++place) {
    const auto row = (*finetune_rows)[place];
    if (rows.retain.size() < limit && !std::binary_search(rows.forget.begin(), rows.forget.end(), row)) {
      rows.retain.push_back(row);
      rows.retain_places.push_back(static_cast<std::int64_t>(place));
    }
  }
  for (const auto row : rows.forget) {
    rows.forget_places.push_back(std::lower_bound(finetune_rows->begin(), finetune_rows->end(), row) -
                                 finetune_rows->begin());
  }
  const auto num_test = static_cast<std::size_t>(plan.description(fork.cell).num_test);
  rows.test.resize(std::min(limit, num_test));
  std::iota(rows.test.begin(), rows.test.end(), 0);
  return rows;
}

Outputs outputs_of(const model::Network& network, const data::ResidentData& data, const model::State& state,
                   const EvaluationRows& rows) {
  return {learn::evaluate(network, state, data, data::Part::train, rows.forget),
          learn::evaluate(network, state, data, data::Part::train, rows.retain),
          learn::evaluate(network, state, data, data::Part::test, rows.test)};
}

Scores scores_of(const data::ResidentData& data, const Outputs& outputs, const EvaluationRows& rows) {
  Scores scores{metrics::probabilities(outputs.forget),
                metrics::probabilities(outputs.retain),
                metrics::probabilities(outputs.test),
                {}};
  scores.mean = {metrics::prediction(scores.forget, data.labels(data::Part::train, rows.forget)),
                 metrics::prediction(scores.retain, data.labels(data::Part::train, rows.retain)),
                 metrics::prediction(scores.test, data.labels(data::Part::test, rows.test))};
  return scores;
}

PoolScores pool_scores(const model::Network& network, const data::ResidentData& data, const model::State& state,
                       std::span<const std::int64_t> train_rows, std::span<const std::int64_t> test_rows) {
  const auto scores = [&](data::Part part, std::span<const std::int64_t> rows) {
    const auto logits = learn::evaluate(network, state, data, part, rows);
    return metrics::row_scores(metrics::probabilities(logits), data.labels(part, rows));
  };
  return {scores(data::Part::train, train_rows), scores(data::Part::test, test_rows)};
}

Predictions predictions_of(const PoolScores& pool, const EvaluationRows& rows) {
  return {metrics::prediction(pool.train, rows.forget_places), metrics::prediction(pool.train, rows.retain_places),
          metrics::prediction(pool.test, rows.test)};
}

std::optional<record::SetOutputs> set_outputs(const SetOf& of, const Predictions& original, const Scores& retrained,
                                              const Scores& unlearned, const Scores* reestimated) {
  const auto of_original = original.*of.mean, of_retrained = retrained.mean.*of.mean,
             of_unlearned = unlearned.mean.*of.mean;
  if (!std::isfinite(of_original.loss) || !(retrained.*of.outputs).is_finite || !(unlearned.*of.outputs).is_finite ||
      (reestimated != nullptr && !(reestimated->*of.outputs).is_finite)) {
    return std::nullopt;
  }
  const auto distance = metrics::output_distance(retrained.*of.outputs, unlearned.*of.outputs);
  record::SetOutputs set;
  set.accuracy_original = of_original.accuracy;
  set.accuracy_retrained = of_retrained.accuracy;
  set.accuracy_unlearned = of_unlearned.accuracy;
  if (reestimated != nullptr) {
    set.accuracy_unlearned_reestimated = (reestimated->mean.*of.mean).accuracy;
  }
  set.loss_original = of_original.loss;
  set.loss_retrained = of_retrained.loss;
  set.loss_unlearned = of_unlearned.loss;
  set.kl = distance.kl;
  set.js = distance.js;
  set.logits_l2 = distance.logits_l2;
  return set;
}

void append_logits(std::vector<hdf5::Array>& arrays, std::int64_t step, const char* model, const Outputs& outputs) {
  const std::string prefix = std::string("t").append(std::to_string(step)).append(".").append(model).append(".");
  append_array(arrays, prefix + "forget", outputs.forget);
  append_array(arrays, prefix + "retain", outputs.retain);
  append_array(arrays, prefix + "test", outputs.test);
}

void append_values(std::vector<hdf5::Array>& arrays, std::string name, const std::vector<double>& values) {
  append_array(arrays, std::move(name), torch::tensor(values, torch::kFloat64));
}

void append_rows(std::vector<hdf5::Array>& arrays, const EvaluationRows& rows) {
  append_array(arrays, "forget_rows", to_tensor(rows.forget));
  append_array(arrays, "retain_rows", to_tensor(rows.retain));
  append_array(arrays, "test_rows", to_tensor(rows.test));
}

}  // namespace unroll::execute
