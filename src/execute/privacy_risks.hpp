#pragma once
// Privacy risk scores of a pair's models on the forget, retain and test rows, by the shadow model of their cell
// (metrics/privacy_risk.hpp, [prs]).
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "execute/fork_outputs.hpp"
#include "execute/pair_row.hpp"
#include "unroll/metrics/privacy_risk.hpp"

namespace unroll::execute {

/// Which table a run's models are scored by: its shadow model and the [prs] keys of the scores. Empty: none.
[[nodiscard]] std::string risk_key(const plan::Plan& plan, const plan::Run& run);
/// Tables by risk_key.
using RiskTables = std::map<std::string, std::shared_ptr<const metrics::RiskTable>>;

/// From the shadow model's weights; its members and the others are scored as a target's rows are.
[[nodiscard]] std::shared_ptr<const metrics::RiskTable> make_risk_table(Context& context, const plan::Run& run,
                                                                        const model::State& shadow);

/// One model's scores, row after row.
struct Risks {
  std::vector<double> forget, retain, test;
};
/// scores: of its logits with running statistics, taken where [prs] asks for these.
[[nodiscard]] Risks risks_of(const model::Network& network, const data::ResidentData& data, const model::State& state,
                             const EvaluationRows& rows, const Scores& scores, const config::Settings::Prs& prs,
                             const metrics::RiskTable& table);

struct PairRisks {
  Risks original, retrained, unlearned;
};
/// Means over one set; NaN for a set without rows, or where a score is NaN. undefined names the sets with the second.
void add_risks(const PairRisks& risks, record::PairRow& row, Undefined& undefined);

/// Arrays "t<step>.<model>.<set>.risk" [rows].
void append_risks(std::vector<hdf5::Array>& arrays, std::int64_t step, const PairRisks& risks);

}  // namespace unroll::execute
