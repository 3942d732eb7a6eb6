#pragma once
// The curvature of one M along its steps, for one way of measuring it: at every measured step, and at the multiples of
// measure.sigma_every, from which alone the rolling means and the growth bound are made (so that measuring at other
// steps changes no row: DESIGN 4.9).
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "unroll/base/archive.hpp"
#include "unroll/execute/context.hpp"
#include "unroll/learn/curvature.hpp"
#include "unroll/metrics/estimates.hpp"
#include "unroll/record/rows.hpp"

namespace unroll::execute {

/// The [measure] keys on which curvature and the estimates made with it depend.
[[nodiscard]] std::string curvature_text(const config::Settings& settings);

class CurvatureTrack {
 public:
  /// run: whose measure settings and eval seed apply.
  CurvatureTrack(Context& context, const plan::Tree& tree, const plan::Run& run, std::set<std::int64_t> measured_steps);

  [[nodiscard]] bool is_due(std::int64_t step) const;
  /// Measures at a step that is due. batch_rows: those of step - 1 (of step 0 at the start).
  void measure(std::int64_t step, const model::State& original, const std::vector<std::int64_t>& batch_rows,
               double distance_from_start);

  [[nodiscard]] bool asked() const { return settings_.measure.sigma != config::Sigma::none; }
  /// Sizes at multiples of sigma_every are kept: for rolling means and the growth bound.
  [[nodiscard]] bool keeps_sizes() const { return asked() && settings_.measure.sigma_every; }
  /// Of the last step measured; undefined numbers before.
  [[nodiscard]] const learn::Spectrum& spectrum() const { return spectrum_; }
  [[nodiscard]] metrics::Curvature curvature() const;
  /// |lambda_s| of step s as last measured at a multiple of sigma_every; nullopt when none are kept.
  [[nodiscard]] std::optional<double> size_at(std::int64_t step) const;
  /// Means over the multiples of sigma_every in (from, to], which have been measured; NaN where there are none.
  [[nodiscard]] metrics::Curvature mean_after(std::int64_t from, std::int64_t to) const;
  /// At clock `step`: "train", "eval", or "none" for a network without BatchNorm.
  [[nodiscard]] std::string mode(std::int64_t step) const;
  /// Rows of the batch that curvature is measured on, unless it is the current batch.
  [[nodiscard]] const std::vector<std::int64_t>& fixed_rows() const { return fixed_rows_; }
  /// The Hessian of step `step`'s training loss on rows (divided by `denominator`) at a state, for some products.
  [[nodiscard]] learn::Hessian hessian(const model::State& at, std::int64_t step, const std::vector<std::int64_t>& rows,
                                       double denominator, learn::GraphMemory memory = {}) const;
  [[nodiscard]] const std::vector<record::CurveRow>& curve() const { return curve_; }
  /// What it has measured so far, for a checkpoint.
  void transfer(Archive& archive);
  [[nodiscard]] double seconds() const { return seconds_; }

 private:
  [[nodiscard]] bool is_kept(std::int64_t step) const;
  /// For the many products of one sigma.
  [[nodiscard]] learn::GraphMemory graph_memory(std::size_t num_rows) const;

  Context& context_;
  const plan::Tree& tree_;
  std::size_t cell_;
  const config::Settings& settings_;
  std::set<std::int64_t> measured_steps_;
  std::string measure_id_;
  torch::Tensor start_vector_;
  torch::Tensor kept_vector_;  // found at the last multiple of sigma_every, with measure.warm_start
  std::vector<std::int64_t> fixed_rows_;
  model::TrainingLoss loss_;
  learn::Spectrum spectrum_{record::kUndefined, record::kUndefined, record::kUndefined, record::kUndefined, 0, false};
  std::vector<double> kept_sizes_, kept_roots_;  // at multiples of sigma_every, from step 0
  std::vector<record::CurveRow> curve_;
  double seconds_ = 0;
};

}  // namespace unroll::execute
