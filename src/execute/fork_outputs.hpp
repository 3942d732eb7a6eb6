#pragma once
// What M, M' and M'' say on the forget, retain and test rows: accuracies, losses, output distances, and the logits
// themselves when output.logits asks for them.
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "unroll/execute/context.hpp"
#include "unroll/hdf5/arrays.hpp"
#include "unroll/metrics/outputs.hpp"
#include "unroll/record/rows.hpp"

namespace unroll::execute {

/// Rows of one run's three sets (retain and test cut to measure.eval_rows).
struct EvaluationRows {
  std::vector<std::int64_t> forget, retain, test;  // training, training and test rows
  /// Where the training rows stand among all that M may draw.
  std::vector<std::int64_t> forget_places, retain_places;
};
[[nodiscard]] EvaluationRows evaluation_rows(const plan::Plan& plan, const plan::Tree& tree, const plan::Fork& fork,
                                             const config::Settings& settings);

/// Logits of one model on the three sets.
struct Outputs {
  torch::Tensor forget, retain, test;
};
[[nodiscard]] Outputs outputs_of(const model::Network& network, const data::ResidentData& data,
                                 const model::State& state, const EvaluationRows& rows);

/// Means over each set.
struct Predictions {
  metrics::Prediction forget, retain, test;
};

/// One model's scores on the three sets.
struct Scores {
  metrics::Probabilities forget, retain, test;
  Predictions mean;
};
[[nodiscard]] Scores scores_of(const data::ResidentData& data, const Outputs& outputs, const EvaluationRows& rows);

/// M's scores on all rows that it may draw and on all test rows: those of any fork's sets are picked from them.
struct PoolScores {
  metrics::RowScores train, test;
};
[[nodiscard]] PoolScores pool_scores(const model::Network& network, const data::ResidentData& data,
                                     const model::State& state, std::span<const std::int64_t> train_rows,
                                     std::span<const std::int64_t> test_rows);
[[nodiscard]] Predictions predictions_of(const PoolScores& pool, const EvaluationRows& rows);

/// The columns of one set; nullopt when a model's logits are not finite. set: which, of Scores and of Predictions;
/// reestimated: null without BatchNorm.
struct SetOf {
  metrics::Probabilities Scores::*outputs;
  metrics::Prediction Predictions::*mean;
};
[[nodiscard]] std::optional<record::SetOutputs> set_outputs(const SetOf& set, const Predictions& original,
                                                            const Scores& retrained, const Scores& unlearned,
                                                            const Scores* reestimated);

/// Arrays "t<step>.<model>.<set>" of logits [rows, C].
void append_logits(std::vector<hdf5::Array>& arrays, std::int64_t step, const char* model, const Outputs& outputs);
/// An array of doubles.
void append_values(std::vector<hdf5::Array>& arrays, std::string name, const std::vector<double>& values);
/// Arrays "forget_rows", "retain_rows", "test_rows": which rows the logits belong to.
void append_rows(std::vector<hdf5::Array>& arrays, const EvaluationRows& rows);

}  // namespace unroll::execute
