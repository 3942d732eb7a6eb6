#pragma once
// One row of the results from what was measured: every column is filled here, and every NaN gets its reason.
#include <optional>
#include <string>
#include <vector>

#include "execute/checkpointed_error.hpp"
#include "execute/curvature_track.hpp"
#include "execute/fork_estimates.hpp"
#include "unroll/metrics/distances.hpp"
#include "unroll/record/rows.hpp"

namespace unroll::execute {

/// Collects "group=reason;..." for the row's `undefined` column.
class Undefined {
 public:
  void add(const std::string& group, const std::string& reason) { text_ += group + "=" + reason + ";"; }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

/// What one fork saw of its forget set until now.
struct ForgetCounts {
  std::int64_t num_touched = 0, num_draws = 0, num_skipped = 0;
};

/// For which methods the one-HVP proxy is derived: single-gradient, with gradients at w_0 (epoch-scaled), or at M's
/// weights before each touched step (grad-list, pre-step). The published form agrees only where whole batches are
/// forgotten.
enum class ProxyForm { none, at_start, at_step };
[[nodiscard]] ProxyForm proxy_form_of(const config::Settings& settings, const ForgetCounts& counts);

struct PairMeasurement {
  metrics::PairDistances distances;
  double buffers_retrained = 0;  // squared distance of the BatchNorm statistics of M'' (those of M) and M'
  const CurvatureTrack* track = nullptr;
  const ForkEstimates* estimates = nullptr;
  std::optional<CheckpointedErrors> checkpointed;  // unlearn.rule = checkpoint
  std::int64_t total_steps = 0;                    // of M, as the cell asks for them
  double one_hvp = record::kUndefined;
  double hessian_gradient_norm = record::kUndefined;
  ForgetCounts counts;
  bool is_control = false;  // none or ghost: nothing is ever forgotten
  bool is_fresh = false;    // retrain.kind = fresh: M' is another model from the first step on
  ProxyForm proxy_form = ProxyForm::at_start;
};

/// Distances, curvature and estimates of a row; run, cell, seed and outputs are the caller's. lr_at: rates of M's
/// steps.
[[nodiscard]] record::PairRow make_pair_row(const config::Settings& settings, std::int64_t step,
                                            const std::function<double(std::int64_t)>& lr_at,
                                            const PairMeasurement& measured, Undefined& undefined);

[[nodiscard]] std::vector<record::LayerRow> make_layer_rows(const model::Layout& layout,
                                                            const metrics::PairDistances& distances,
                                                            const std::string& run_id, std::int64_t step);

}  // namespace unroll::execute
