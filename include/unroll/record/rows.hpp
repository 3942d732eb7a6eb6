#pragma once
// The rows of the results as plain structs, and for each one table of columns (name, units, meaning) from which
// shards, results.h5, exports and docs are made. A real that cannot be computed is NaN, and the row's `undefined`
// column says why: "group=reason;..." (reasons: not_yet_seen, not_asked, zero_denominator, diverged, no_batchnorm,
// needs_constant_lr, no_rows, single_occurrence_only, no_forget_rows, negative_eigenvalue, one_end_only,
// not_for_this_rule, last_step_only, not_compared, too_few_models, empty_bins).
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace unroll::record {

inline constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();

/// The unlearning error's variants (METHODS 3.2): index = sigma(0 |lambda|, 1 sqrt) * 8 + half(0 half, 1 full) * 4 +
/// eta power(0 two, 1 one) * 2 + (0 this sigma, 1 rolling mean).
inline constexpr int kNumUnlearningErrors = 16;

/// Accuracy and mean cross-entropy of M, M', M'' on one set, and how far the outputs of M'' are from those of M'.
struct SetOutputs {
  double accuracy_original = kUndefined, accuracy_retrained = kUndefined, accuracy_unlearned = kUndefined;
  double accuracy_unlearned_reestimated = kUndefined;  // BatchNorm statistics re-estimated on retained data
  double loss_original = kUndefined, loss_retrained = kUndefined, loss_unlearned = kUndefined;
  double kl = kUndefined;         // mean_i KL(softmax M' || softmax M''), nats
  double js = kUndefined;         // mean_i JS, nats, <= ln 2
  double logits_l2 = kUndefined;  // mean_i ||z' - z''||_2
  // Mean privacy risk scores (Song and Mittal, arXiv 2003.10595), in [0, 1].
  double risk_original = kUndefined, risk_retrained = kUndefined, risk_unlearned = kUndefined;
};

/// One row: a pair (M', M'') at one step.
struct PairRow {
  std::string run_id;
  std::int64_t cell = 0;
  std::int64_t seed = 0;
  std::int64_t step = 0;                 // T: SGD steps taken by M since w_0
  std::string status = "ok";             // ok | not_yet_seen | diverged
  std::string undefined;                 // why columns are NaN
  std::int64_t num_touched_steps = 0;    // m(T): steps 0..T-1 whose batch holds examples of F
  std::int64_t num_forgotten_draws = 0;  // examples of F drawn in steps 0..T-1
  std::int64_t num_skipped_steps = 0;    // of those steps, the ones that M' skipped
  double lr = kUndefined;                // of step T-1
  // distances between trainable parameters
  double verification_error = kUndefined;               // ||w' - w''||_2
  double no_unlearning_distance = kUndefined;           // ||w - w'||_2
  double fraction_left = kUndefined;                    // verification_error / no_unlearning_distance
  double relative_error = kUndefined;                   // verification_error / ||w'||
  double cosine = kUndefined;                           // between w'' - w and w' - w
  double verification_error_with_buffers = kUndefined;  // BatchNorm running statistics included
  double no_unlearning_distance_with_buffers = kUndefined;
  double correction_norm = kUndefined;      // ||w'' - w||_2
  double distance_from_start = kUndefined;  // ||w_T - w_0||_2
  double norm_retrained = kUndefined;       // ||w'||_2
  // curvature of M at T
  double lambda_max = kUndefined, lambda_min = kUndefined;
  double sigma = kUndefined;           // |lambda| of the eigenvalue largest in size
  double sigma_sqrt = kUndefined;      // sqrt(lambda) as published; undefined when lambda < 0
  double sigma_residual = kUndefined;  // ||H v - lambda v|| / |lambda|
  double sigma_rolling = kUndefined;   // mean of sigma over multiples of measure.sigma_every up to T
  double sigma_sqrt_rolling = kUndefined;
  std::string sigma_mode;  // train | eval | none: BatchNorm mode of the Hessian
  double eta_lambda_max = kUndefined;
  // estimates of the verification error
  double unlearning_error[kNumUnlearningErrors] = {
      kUndefined, kUndefined, kUndefined, kUndefined, kUndefined, kUndefined, kUndefined, kUndefined,
      kUndefined, kUndefined, kUndefined, kUndefined, kUndefined, kUndefined, kUndefined, kUndefined};
  double ue_constant = kUndefined;                // with T - 1 of M's last step at every T (METHODS B3)
  double ue_constant_published = kUndefined;      // the same with sqrt(lambda)
  double ue_checkpointed = kUndefined;            // summed over segments between the rule's checkpoints
  double ue_checkpointed_published = kUndefined;  // the same with sqrt(lambda) and without the 1/2 (METHODS A12)
  double one_hvp_proxy = kUndefined;              // for any position of F (METHODS, read this first, 4)
  double one_hvp_proxy_first = kUndefined;        // eta^2 (T-1) ||H g*||: assumes F at step 0
  double growth_bound = kUndefined;               // eta_k ||g*|| (prod (1 + eta_s |lambda_s|) - 1)
  std::int64_t growth_bound_exact = 0;            // 1: every step's own lambda_s, plain SGD, g* added back as M met it
  double eta2_steps = kUndefined;                 // eta^2 T
  double eta_gradient_norm = kUndefined;          // eta_k ||g*||, g* at w_0, first step that touches F
  SetOutputs forget, retain, test;
};

/// One parameter tensor of one row.
struct LayerRow {
  std::string run_id;
  std::int64_t step = 0;
  std::string layer;  // state_dict name
  std::int64_t num_parameters = 0;
  double verification_error = kUndefined;
  double no_unlearning_distance = kUndefined;
  double relative_error = kUndefined;  // ||w'_l - w''_l|| / (||w'_l|| + 1e-12)
};

/// M along its steps: wherever its curvature was measured.
struct CurveRow {
  std::string original_id;  // stage id of M
  std::int64_t step = 0;
  std::string measure_id;  // hash of the [measure] keys that act
  double lambda_max = kUndefined, lambda_min = kUndefined, sigma = kUndefined, residual = kUndefined;
  std::int64_t num_hvp = 0;
  std::int64_t converged = 0;
  double distance_from_start = kUndefined;
};

struct RunRow {
  std::string run_id;
  std::int64_t cell = 0;
  std::int64_t seed = 0;
  std::int64_t seed_split = 0, seed_init = 0, seed_pretrain_order = 0, seed_order = 0, seed_eval = 0;
  std::string pretrain_id, original_id, retrained_id, shadow_id;  // stage ids
  std::string forget_hash;
  std::int64_t num_forgotten = 0;  // rows in F
  std::int64_t first_touch = 0;    // first step that draws an example of F; -1: never
  std::int64_t exact_retrain = 1;  // 0: kind = step (the examples may recur)
  std::int64_t w0_saw_forget = 0;  // 1: pretraining saw F
  std::string status = "ok";       // ok | diverged | failed | missing
  std::string reason;
};

/// M beside its twin, whose w_0 differs from M's by a random ulp in every weight: floor (0) of M's runs at that step.
struct TwinRow {
  std::string original_id;  // stage id of M
  std::int64_t step = 0;
  double distance = kUndefined;  // ||w - w_ulp||; NaN where one of them diverged
};

/// Two models of a comparison group.
struct DistanceRow {
  std::string group_id;
  std::string run_id;
  std::int64_t step = 0;
  std::string id_a, id_b;                 // stage ids; the run's id for its M''
  std::string kind;                       // "retrained/order": what a and b are
  std::int64_t seed_a = -1, seed_b = -1;  // of the order or the w_0; the how manyth repeat; -1 for M'' and M'
  double distance = kUndefined;
  double distance_normalised = kUndefined;  // with every filter scaled to the norm that it has in M'
  std::string status = "ok";                // ok | diverged
  std::string undefined;
};

/// How large a run's verification error is beside its noise floors, at one step.
struct FloorRow {
  std::string run_id;
  std::string group_id;  // "" without one
  std::int64_t cell = 0;
  std::int64_t seed = 0;
  std::int64_t step = 0;
  std::string status = "ok";  // ok | below_floor | no_floor | not_yet_seen | diverged
  std::string undefined;
  double verification_error = kUndefined;
  double floor_ulp = kUndefined;     // (0) ||M - M_ulp||
  double floor_repeat = kUndefined;  // (i) median distance between repeats of M'
  double floor_order = kUndefined;   // (ii) between M' in several orders
  double floor_order_low = kUndefined, floor_order_high = kUndefined;
  std::int64_t num_orders = 0;     // models that it is taken over
  double floor_init = kUndefined;  // (iii) between M' from several w_0
  double floor_init_low = kUndefined, floor_init_high = kUndefined;
  std::int64_t num_inits = 0;
  double ratio_ulp = kUndefined;    // verification_error / floor_ulp
  double ratio_order = kUndefined;  // verification_error / floor_order
};

using Real = double;
using Value = std::variant<std::int64_t, double, std::string>;

template <typename Row>
struct Column {
  std::string_view name;
  std::string_view units;  // "1" for none
  std::string_view long_name;
  std::variant<std::int64_t (*)(const Row&), double (*)(const Row&), std::string (*)(const Row&)> get;
  void (*set)(Row&, const Value&);
  std::size_t text_size = 0;  // text columns: fixed length in the file
};

[[nodiscard]] std::span<const Column<PairRow>> pair_columns();
[[nodiscard]] std::span<const Column<LayerRow>> layer_columns();
[[nodiscard]] std::span<const Column<CurveRow>> curve_columns();
[[nodiscard]] std::span<const Column<RunRow>> run_columns();
[[nodiscard]] std::span<const Column<TwinRow>> twin_columns();
[[nodiscard]] std::span<const Column<DistanceRow>> distance_columns();
[[nodiscard]] std::span<const Column<FloorRow>> floor_columns();

/// "ue_abs_half_eta2", "ue_sqrt_half_eta2_rolling", ...; index 0 is named "unlearning_error" and index 8
/// "unlearning_error_published".
[[nodiscard]] std::string_view unlearning_error_name(int index);

/// Where and how long something ran: never in results.h5.
struct TelemetryRow {
  std::string item_id;  // stage id of the pretraining or tree
  std::string kind;     // pretraining | repeat | tree
  std::int64_t rank = 0;
  std::string host;
  std::int64_t attempt = 0;
  double start_s = 0;  // seconds since the epoch
  double train_s = 0, curvature_s = 0, measure_s = 0;
  std::int64_t num_lanes = 0;      // of the pack it ran in
  std::int64_t model_steps = 0;    // trained
  std::int64_t cached_steps = 0;   // not trained: the stage came from the cache
  std::int64_t resumed_steps = 0;  // of model_steps, those that an earlier attempt trained: a checkpoint kept them
};
[[nodiscard]] std::span<const Column<TelemetryRow>> telemetry_columns();

/// What a tree leaves, or a part of it: the runs on its forks, M's curves and its twin; or what comparisons leave.
struct TreeRecord {
  std::vector<RunRow> runs;
  std::vector<PairRow> pairs;
  std::vector<LayerRow> layers;
  std::vector<CurveRow> curves;
  std::vector<TwinRow> twins;
  std::vector<DistanceRow> distances;  // of whole comparison groups
};

}  // namespace unroll::record
