#pragma once
// What M, M' and M'' say on the forget, retain and test rows: accuracies, losses, output distances, and the logits
// themselves when output.logits asks for them.
#include <cstdint>
#include <optional>
#include <vector>

#include "unroll/execute/context.hpp"
#include "unroll/hdf5/arrays.hpp"
#include "unroll/metrics/outputs.hpp"
#include "unroll/record/rows.hpp"

namespace unroll::execute {

/// Rows of one run's three sets (retain and test cut to measure.eval_rows).
struct EvaluationRows {
  std::vector<std::int64_t> forget, retain, test;  // training, training and test rows
};
[[nodiscard]] EvaluationRows evaluation_rows(const plan::Plan& plan, const plan::Tree& tree, const plan::Fork& fork,
                                             const config::Settings& settings);

/// Logits of one model on the three sets.
struct Outputs {
  torch::Tensor forget, retain, test;
};
[[nodiscard]] Outputs outputs_of(const model::Network& network, const data::ResidentData& data,
                                 const model::State& state, const EvaluationRows& rows);

/// One model's scores on the three sets.
struct Scores {
  metrics::Probabilities forget, retain, test;
};
[[nodiscard]] Scores scores_of(const Outputs& outputs);

/// The columns of one set; nullopt when a model's logits are not finite. reestimated: null without BatchNorm.
[[nodiscard]] std::optional<record::SetOutputs> set_outputs(const torch::Tensor& labels,
                                                            const metrics::Probabilities& original,
                                                            const metrics::Probabilities& retrained,
                                                            const metrics::Probabilities& unlearned,
                                                            const metrics::Probabilities* reestimated);

/// Arrays "t<step>.<model>.<set>" of logits [rows, C].
void append_logits(std::vector<hdf5::Array>& arrays, std::int64_t step, const char* model, const Outputs& outputs);
/// Arrays "forget_rows", "retain_rows", "test_rows": which rows the logits belong to.
void append_rows(std::vector<hdf5::Array>& arrays, const EvaluationRows& rows);

}  // namespace unroll::execute
