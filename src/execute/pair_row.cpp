#include "execute/pair_row.hpp"

#include <cmath>

namespace unroll::execute {
namespace {

using record::kUndefined;

void add_distances(record::PairRow& row, const PairMeasurement& measured, Undefined& undefined) {
  const auto& total = measured.distances.total;
  row.verification_error = std::sqrt(total.verification);
  row.no_unlearning_distance = std::sqrt(total.no_unlearning);
  row.correction_norm = std::sqrt(total.correction);
  row.distance_from_start = std::sqrt(total.from_start);
  row.norm_retrained = std::sqrt(total.retrained);
  row.verification_error_with_buffers = std::sqrt(total.verification + measured.buffers_retrained);
  row.no_unlearning_distance_with_buffers = std::sqrt(total.no_unlearning + measured.buffers_retrained);
  if (row.norm_retrained > 0) {
    row.relative_error = row.verification_error / row.norm_retrained;
  } else {
    undefined.add("relative_error", "zero_denominator");
  }
  const char* why_zero = measured.is_control || measured.counts.num_touched > 0 ? "zero_denominator" : "not_yet_seen";
  if (row.no_unlearning_distance > 0) {
    row.fraction_left = row.verification_error / row.no_unlearning_distance;
  } else {
    undefined.add("fraction_left", why_zero);
  }
  if (row.no_unlearning_distance > 0 && row.correction_norm > 0) {
    row.cosine = total.cross / (row.correction_norm * row.no_unlearning_distance);
  } else {
    undefined.add("cosine", why_zero);
  }
}

void add_curvature(record::PairRow& row, const config::Settings& settings, const CurvatureTrack& track,
                   Undefined& undefined) {
  if (!track.asked()) {
    undefined.add("curvature", "not_asked");
    return;
  }
  row.sigma_mode = track.mode(row.step);
  const auto& spectrum = track.spectrum();
  const auto curvature = track.curvature();
  row.lambda_max = spectrum.lambda_max;
  row.lambda_min = spectrum.lambda_min;
  row.sigma = curvature.sigma;
  row.sigma_sqrt = curvature.sigma_sqrt;
  row.sigma_residual = spectrum.residual;
  row.sigma_rolling = curvature.sigma_rolling;
  row.sigma_sqrt_rolling = curvature.sigma_sqrt_rolling;
  row.eta_lambda_max = row.lr * spectrum.lambda_max;
  if (std::isnan(row.sigma)) {
    undefined.add("curvature", "diverged");
    return;
  }
  if (std::isnan(row.lambda_max)) {
    undefined.add("lambda_max", "one_end_only");
    undefined.add("eta_lambda_max", "one_end_only");
  }
  if (std::isnan(row.lambda_min)) {
    undefined.add("lambda_min", "one_end_only");
  }
  if (std::isnan(row.sigma_residual)) {
    undefined.add("sigma_residual", "zero_denominator");
  }
  if (std::isnan(row.sigma_sqrt)) {
    undefined.add("sqrt", "negative_eigenvalue");
  }
  if (std::isnan(row.sigma_rolling)) {
    undefined.add("rolling", settings.measure.sigma_every ? "diverged" : "not_asked");
  } else if (std::isnan(row.sigma_sqrt_rolling)) {
    undefined.add("sqrt_rolling", "negative_eigenvalue");
  }
}

constexpr std::size_t kPublished = 8;  // of record::PairRow::unlearning_error

void add_unlearning_errors(record::PairRow& row, const config::Settings& settings, const PairMeasurement& measured,
                           Undefined& undefined) {
  const auto& track = *measured.track;
  const bool is_constant = settings.train.schedule == config::Schedule::constant;
  if (!is_constant) {
    undefined.add("unlearning_error", "needs_constant_lr");
    undefined.add("eta2_steps", "needs_constant_lr");
    undefined.add("ue_checkpointed", "needs_constant_lr");
    return;
  }
  row.eta2_steps = row.lr * row.lr * static_cast<double>(row.step);
  const auto errors = metrics::unlearning_errors(row.lr, row.step, row.distance_from_start, track.curvature());
  std::copy(errors.begin(), errors.end(), row.unlearning_error);
  const auto constant =
      metrics::unlearning_errors(row.lr, measured.total_steps, row.distance_from_start, measured.track->curvature());
  row.ue_constant = row.step > 0 ? constant[0] : 0;
  row.ue_constant_published = row.step > 0 ? constant[kPublished] : 0;
  if (!track.asked() && row.step > 0) {
    undefined.add("unlearning_error", "not_asked");
  }
  if (!measured.checkpointed || !track.keeps_sizes()) {
    undefined.add("ue_checkpointed", measured.checkpointed ? "not_asked" : "not_for_this_rule");
    return;
  }
  row.ue_checkpointed = measured.checkpointed->theory;
  row.ue_checkpointed_published = measured.checkpointed->published;
  if (std::isnan(row.ue_checkpointed)) {
    undefined.add("ue_checkpointed", "not_asked");
  } else if (std::isnan(row.ue_checkpointed_published)) {
    undefined.add("ue_checkpointed_published", "negative_eigenvalue");
  }
}

void add_growth_bound(record::PairRow& row, const PairMeasurement& measured,
                      const std::function<double(std::int64_t)>& lr_at, const config::Settings& settings,
                      Undefined& undefined) {
  if (!measured.track->asked() || !measured.track->size_at(0)) {
    undefined.add("growth_bound", "not_asked");
    return;
  }
  if (settings.unlearn.method != config::UnlearnMethod::single_gradient) {
    undefined.add("growth_bound", "single_gradient_only");
    return;
  }
  if (measured.counts.num_touched != 1) {
    undefined.add("growth_bound", measured.counts.num_touched == 0 ? "not_yet_seen" : "single_occurrence_only");
    return;
  }
  std::vector<double> growth;
  const bool own_batch = settings.measure.hessian == config::HessianKind::batch;
  for (std::int64_t step = measured.estimates->first_step() + 1; step < row.step; ++step) {
    // The batch of a step is the current one when the step has been taken.
    growth.push_back(lr_at(step) * *measured.track->size_at(own_batch ? step + 1 : step));
  }
  row.growth_bound = metrics::growth_bound(measured.estimates->eta_gradient_norm_at_step(), growth);
  const bool decays_apart = settings.train.weight_decay != 0 && settings.train.l2_in == config::L2In::optimizer;
  const bool plain_sgd = settings.train.momentum == 0 && !decays_apart;
  // A gradient taken at w_0 instead of w_k leaves eta ||g*(w_0) - g*(w_k)|| beside what the bound covers.
  const bool from_step = measured.proxy_form == ProxyForm::at_step || measured.estimates->first_step() == 0;
  row.growth_bound_exact = own_batch && plain_sgd && from_step && settings.measure.sigma_every == 1 ? 1 : 0;
}

void add_gradient_estimates(record::PairRow& row, const config::Settings& settings, const PairMeasurement& measured,
                            Undefined& undefined) {
  if (measured.counts.num_touched == 0) {
    undefined.add("eta_gradient_norm", measured.is_control ? "no_forget_rows" : "not_yet_seen");
  } else {
    row.eta_gradient_norm = measured.estimates->eta_gradient_norm();
  }
  row.one_hvp_proxy = measured.one_hvp;
  if (std::isnan(row.one_hvp_proxy)) {
    undefined.add("one_hvp", !settings.measure.one_hvp                ? "not_asked"
                             : measured.proxy_form == ProxyForm::none ? "not_for_this_rule"
                                                                      : "diverged");
    return;
  }
  if (settings.train.schedule != config::Schedule::constant) {
    undefined.add("one_hvp_proxy_first", "needs_constant_lr");
  } else if (measured.counts.num_touched == 0) {
    row.one_hvp_proxy_first = 0;
  } else {
    row.one_hvp_proxy_first = row.lr * row.lr * static_cast<double>(row.step - 1) * measured.hessian_gradient_norm;
  }
}

}  // namespace

ProxyForm proxy_form_of(const config::Settings& settings, const ForgetCounts& counts) {
  if (settings.unlearn.method != config::UnlearnMethod::single_gradient) {
    return ProxyForm::none;
  }
  const bool whole_batches = counts.num_skipped == counts.num_touched;
  const bool is_published_part = settings.unlearn.form == config::UnlearnForm::published && !whole_batches;
  if (is_published_part || settings.unlearn.gradient_of_last > 0) {
    return ProxyForm::none;
  }
  switch (settings.unlearn.rule) {
    case config::UnlearnRule::epoch_scaled:
      return ProxyForm::at_start;
    case config::UnlearnRule::grad_list:
      return settings.unlearn.gradient_at == config::GradientAt::pre_step ? ProxyForm::at_step : ProxyForm::none;
    case config::UnlearnRule::checkpoint:
    case config::UnlearnRule::final_weights:
      break;
  }
  return ProxyForm::none;
}

record::PairRow make_pair_row(const config::Settings& settings, std::int64_t step,
                              const std::function<double(std::int64_t)>& lr_at, const PairMeasurement& measured,
                              Undefined& undefined) {
  record::PairRow row;
  row.step = step;
  row.lr = lr_at(step > 0 ? step - 1 : 0);
  row.num_touched_steps = measured.counts.num_touched;
  row.num_forgotten_draws = measured.counts.num_draws;
  row.num_skipped_steps = measured.counts.num_skipped;
  const auto& total = measured.distances.total;
  if (!std::isfinite(total.from_start) || !std::isfinite(total.retrained) || !std::isfinite(total.verification)) {
    row.status = "diverged";
    undefined.add("all", "diverged");
    return row;
  }
  if (measured.counts.num_touched == 0 && !measured.is_control && !measured.is_fresh) {
    row.status = "not_yet_seen";
  }
  add_distances(row, measured, undefined);
  add_curvature(row, settings, *measured.track, undefined);
  add_unlearning_errors(row, settings, measured, undefined);
  add_growth_bound(row, measured, lr_at, settings, undefined);
  add_gradient_estimates(row, settings, measured, undefined);
  return row;
}

std::vector<record::LayerRow> make_layer_rows(const model::Layout& layout, const metrics::PairDistances& distances,
                                              const std::string& run_id, std::int64_t step) {
  std::vector<record::LayerRow> rows;
  for (std::size_t i = 0; i < layout.parameters.size(); ++i) {
    const auto& layer = distances.layers[i];
    record::LayerRow row;
    row.run_id = run_id;
    row.step = step;
    row.layer = layout.parameters[i].name;
    row.num_parameters = layout.parameters[i].size;
    row.verification_error = std::sqrt(layer.verification);
    row.no_unlearning_distance = std::sqrt(layer.no_unlearning);
    row.relative_error = row.verification_error / (std::sqrt(layer.retrained) + 1e-12);
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace unroll::execute
