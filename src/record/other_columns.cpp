#include <array>

#include "column.hpp"

namespace unroll::record {

std::string cut(const std::string& text, std::size_t max_size) {
  if (text.size() <= max_size) {
    return text;
  }
  std::size_t end = max_size - 3;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) {
    --end;  // never inside a character
  }
  return text.substr(0, end) + "...";
}

std::span<const Column<LayerRow>> layer_columns() {
  using Row = LayerRow;
  static const std::array columns = {
      column<Row, &Row::run_id>("run_id", "1", "run in /runs", kIdSize),
      column<Row, &Row::step>("step", "1", "SGD steps taken by M"),
      column<Row, &Row::layer>("layer", "1", "parameter tensor, as in a PyTorch state_dict", 128),
      column<Row, &Row::num_parameters>("num_parameters", "1", "parameters of the tensor"),
      column<Row, &Row::verification_error>("verification_error", "1", "||w' - w''|| of the tensor"),
      column<Row, &Row::no_unlearning_distance>("no_unlearning_distance", "1", "||w - w'|| of the tensor"),
      column<Row, &Row::relative_error>("relative_error", "1", "||w' - w''|| / (||w'|| + 1e-12) of the tensor"),
  };
  return columns;
}

std::span<const Column<CurveRow>> curve_columns() {
  using Row = CurveRow;
  static const std::array columns = {
      column<Row, &Row::original_id>("original_id", "1", "stage id of M", kIdSize),
      column<Row, &Row::step>("step", "1", "SGD steps taken by M"),
      column<Row, &Row::measure_id>("measure_id", "1", "hash of the measure keys that act", kIdSize),
      column<Row, &Row::lambda_max>("lambda_max", "1", "largest eigenvalue of the Hessian at M"),
      column<Row, &Row::lambda_min>("lambda_min", "1", "smallest eigenvalue of the Hessian at M"),
      column<Row, &Row::sigma>("sigma", "1", "|lambda| of the eigenvalue largest in size"),
      column<Row, &Row::residual>("residual", "1", "||H v - lambda v|| / |lambda|"),
      column<Row, &Row::num_hvp>("num_hvp", "1", "Hessian-vector products spent"),
      column<Row, &Row::converged>("converged", "1", "1: the solver met its tolerance"),
      column<Row, &Row::distance_from_start>("distance_from_start", "1", "||w_T - w_0||"),
  };
  return columns;
}

std::span<const Column<RunRow>> run_columns() {
  using Row = RunRow;
  static const std::array columns = {
      column<Row, &Row::run_id>("run_id", "1", "run: one cell with one seed", kIdSize),
      column<Row, &Row::cell>("cell", "1", "cell in /cells"),
      column<Row, &Row::seed>("seed", "1", "seed of the study"),
      column<Row, &Row::seed_split>("seed_split", "1", "seed of the split for pretraining"),
      column<Row, &Row::seed_init>("seed_init", "1", "seed of the initial weights"),
      column<Row, &Row::seed_pretrain_order>("seed_pretrain_order", "1", "seed of the pretraining order"),
      column<Row, &Row::seed_order>("seed_order", "1", "seed of the batch order"),
      column<Row, &Row::seed_eval>("seed_eval", "1", "seed of the evaluation"),
      column<Row, &Row::pretrain_id>("pretrain_id", "1", "stage id of the pretraining", kIdSize),
      column<Row, &Row::shadow_id>("shadow_id", "1", "stage id of the shadow model; empty: none", kIdSize),
      column<Row, &Row::original_id>("original_id", "1", "stage id of M", kIdSize),
      column<Row, &Row::retrained_id>("retrained_id", "1", "stage id of M'", kIdSize),
      column<Row, &Row::forget_hash>("forget_hash", "1", "hash of the forget set F", kIdSize),
      column<Row, &Row::num_forgotten>("num_forgotten", "1", "rows in F"),
      column<Row, &Row::first_touch>("first_touch", "1", "first step that draws an example of F; -1: never"),
      column<Row, &Row::exact_retrain>("exact_retrain", "1",
                                       "0: a step was skipped, its examples may recur; -1: not known"),
      column<Row, &Row::w0_saw_forget>("w0_saw_forget", "1", "1: pretraining saw F; -1: not known"),
      column<Row, &Row::status>("status", "1", "ok, diverged, failed, or missing (not finished when merged)", 16),
      free_text<Row, &Row::reason, 256>("reason", "why the status is not ok"),
  };
  return columns;
}

std::span<const Column<TelemetryRow>> telemetry_columns() {
  using Row = TelemetryRow;
  static const std::array columns = {
      column<Row, &Row::item_id>("item_id", "1", "stage id of the pretraining or tree", kIdSize),
      column<Row, &Row::kind>("kind", "1", "pretraining, repeat or tree", 16),
      column<Row, &Row::rank>("rank", "1", "MPI rank"),
      free_text<Row, &Row::host, 64>("host", "name of the machine"),
      column<Row, &Row::attempt>("attempt", "1", "attempt at the study"),
      column<Row, &Row::start_s>("start_s", "s", "start, seconds since 1970-01-01 UTC"),
      column<Row, &Row::train_s>("train_s", "s", "time spent training"),
      column<Row, &Row::curvature_s>("curvature_s", "s", "time spent on curvature"),
      column<Row, &Row::measure_s>("measure_s", "s", "time spent measuring otherwise"),
      column<Row, &Row::num_lanes>("num_lanes", "1", "lanes of the pack it ran in; 0: not trained"),
      column<Row, &Row::model_steps>("model_steps", "1", "SGD steps trained, summed over its models"),
      column<Row, &Row::cached_steps>("cached_steps", "1", "SGD steps not trained: the stage came from the cache"),
      column<Row, &Row::resumed_steps>("resumed_steps", "1", "of model_steps, those that a checkpoint kept"),
  };
  return columns;
}

}  // namespace unroll::record
