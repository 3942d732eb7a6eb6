#include "execute/privacy_risks.hpp"

#include <cmath>
#include <limits>
#include <numeric>

#include "unroll/config/keys.hpp"
#include "unroll/learn/evaluate.hpp"

namespace unroll::execute {
namespace {

constexpr std::size_t kScoredBatch = 32;  // rows that share BatchNorm statistics, as published (METHODS A8)

metrics::ScoredRows scored_rows(const metrics::Probabilities& outputs, const torch::Tensor& labels,
                                const config::Settings::Prs& prs) {
  const auto host = labels.cpu();
  const auto* label = host.data_ptr<std::int64_t>();
  return {metrics::modified_entropy(outputs, host, prs.scores), {label, label + host.numel()}};
}

/// Whether BatchNorm takes its statistics from the rows that are scored, a batch at a time.
bool is_by_batch(const model::Network& network, const config::Settings::Prs& prs) {
  return prs.statistics == config::PrsStatistics::batch && network.layout().num_buffers > 0;
}

/// A model's outputs as [prs] asks for them.
metrics::Probabilities outputs_of(const model::Network& network, const data::ResidentData& data,
                                  const model::State& state, data::Part part, const std::vector<std::int64_t>& rows,
                                  const config::Settings::Prs& prs) {
  const bool by_batch = is_by_batch(network, prs) && !rows.empty();
  return metrics::probabilities(by_batch ? learn::evaluate_by_batch(network, state, data, part, rows, kScoredBatch)
                                         : learn::evaluate(network, state, data, part, rows));
}

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

}  // namespace

std::string risk_key(const plan::Plan& plan, const plan::Run& run) {
  if (!run.shadow) {
    return {};
  }
  constexpr std::string_view kScores[] = {"prs.scores", "prs.bins", "prs.statistics"};
  return plan.pretrainings[*run.shadow].id + '\n' + config::canonical_text(plan.cells[run.cell], kScores);
}

std::shared_ptr<const metrics::RiskTable> make_risk_table(Context& context, const plan::Run& run,
                                                          const model::State& shadow) {
  const auto& prs = context.cell(run.cell).prs;
  const auto network = context.network(run.cell);
  const auto data = context.data(context.plan().trees[run.tree]);
  const auto score = [&](const plan::ShadowRows::Side& side) {
    const auto part = side.is_test ? data::Part::test : data::Part::train;
    return scored_rows(outputs_of(*network, *data, shadow, part, side.rows, prs), data->labels(part, side.rows), prs);
  };
  const auto rows = context.plan().shadow_rows(context.plan().pretrainings[*run.shadow]);
  return std::make_shared<const metrics::RiskTable>(score(rows.members), score(rows.others),
                                                    data->description().num_classes, prs.bins);
}

Risks risks_of(const model::Network& network, const data::ResidentData& data, const model::State& state,
               const EvaluationRows& rows, const Scores& scores, const config::Settings::Prs& prs,
               const metrics::RiskTable& table) {
  const bool by_batch = is_by_batch(network, prs);
  const auto risks = [&](const metrics::Probabilities& running, data::Part part, const std::vector<std::int64_t>& of) {
    const auto labels = data.labels(part, of);
    return table.risks(by_batch ? scored_rows(outputs_of(network, data, state, part, of, prs), labels, prs)
                                : scored_rows(running, labels, prs));
  };
  return {risks(scores.forget, data::Part::train, rows.forget), risks(scores.retain, data::Part::train, rows.retain),
          risks(scores.test, data::Part::test, rows.test)};
}

void add_risks(const PairRisks& risks, record::PairRow& row, Undefined& undefined) {
  const auto add = [&](const char* name, std::vector<double> Risks::*set, record::SetOutputs& columns) {
    if ((risks.original.*set).empty()) {
      undefined.add(std::string(name) + "_risk", "no_rows");
      return;
    }
    columns.risk_original = mean(risks.original.*set);
    columns.risk_retrained = mean(risks.retrained.*set);
    columns.risk_unlearned = mean(risks.unlearned.*set);
    if (std::isnan(columns.risk_original + columns.risk_retrained + columns.risk_unlearned)) {
      undefined.add(std::string(name) + "_risk", "empty_bins");
    }
  };
  add("forget", &Risks::forget, row.forget);
  add("retain", &Risks::retain, row.retain);
  add("test", &Risks::test, row.test);
}

void append_risks(std::vector<hdf5::Array>& arrays, std::int64_t step, const PairRisks& risks) {
  const auto append = [&](const char* model, const Risks& of) {
    const std::string prefix = std::string("t").append(std::to_string(step)).append(".").append(model).append(".");
    append_values(arrays, prefix + "forget.risk", of.forget);
    append_values(arrays, prefix + "retain.risk", of.retain);
    append_values(arrays, prefix + "test.risk", of.test);
  };
  append("original", risks.original);
  append("retrained", risks.retrained);
  append("unlearned", risks.unlearned);
}

}  // namespace unroll::execute
