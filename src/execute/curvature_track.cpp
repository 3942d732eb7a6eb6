#include "execute/curvature_track.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <utility>

#include "execute/archive_rows.hpp"
#include "unroll/base/sha256.hpp"
#include "unroll/config/keys.hpp"
#include "unroll/model/archive.hpp"

namespace unroll::execute {
namespace {

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

std::vector<std::int64_t> rows_measured_on(const plan::Plan& plan, const plan::Tree& tree,
                                           const config::Settings::Measure& measure) {
  if (measure.hessian == config::HessianKind::file) {
    return plan.row_lists.at(measure.hessian_file);
  }
  const auto rows = plan.finetune_rows(tree);
  const auto count = std::min(rows->size(), static_cast<std::size_t>(measure.hessian_first));
  return {rows->begin(), rows->begin() + static_cast<std::ptrdiff_t>(count)};
}

/// The step whose loss and BatchNorm mode a measurement at clock `step` is about: the last one taken.
std::int64_t loss_step(std::int64_t step) { return std::max<std::int64_t>(step - 1, 0); }

double square_root(double value) { return value >= 0 ? std::sqrt(value) : record::kUndefined; }

}  // namespace

std::string curvature_text(const config::Settings& settings) {
  constexpr std::string_view kKeys[] = {"train.l2_in",
                                        "measure.sigma",
                                        "measure.sigma_every",
                                        "measure.sigma_mode",
                                        "measure.hessian",
                                        "measure.lanczos_steps",
                                        "measure.lanczos_tolerance",
                                        "measure.warm_start",
                                        "measure.power_iterations",
                                        "measure.power_tolerance"};
  return config::canonical_text(settings, kKeys);
}

CurvatureTrack::CurvatureTrack(Context& context, const plan::Tree& tree, const plan::Run& run,
                               std::set<std::int64_t> measured_steps)
    : context_(context),
      tree_(tree),
      cell_(run.cell),
      settings_(context.cell(run.cell)),
      measured_steps_(std::move(measured_steps)),
      fixed_rows_(rows_measured_on(context.plan(), tree, settings_.measure)),
      loss_(model::training_loss(settings_, context.plan().order_of(tree).steps_per_epoch())) {
  measure_id_ = sha256(curvature_text(settings_) + std::to_string(context.plan().seeds_of(run).eval)).substr(0, 16);
  if (asked()) {
    start_vector_ =
        learn::start_vector(context.plan().seeds_of(run).eval, context.network(cell_)->layout().num_parameters,
                            data::scalar_type(settings_.model.dtype));
  }
}

bool CurvatureTrack::is_kept(std::int64_t step) const {
  return settings_.measure.sigma_every && step % *settings_.measure.sigma_every == 0;
}

learn::Hessian CurvatureTrack::hessian(const model::State& at, std::int64_t step, const std::vector<std::int64_t>& rows,
                                       double denominator, learn::GraphMemory memory) const {
  const auto data = context_.data(tree_);
  const bool as_trained = settings_.measure.sigma_mode == config::SigmaMode::train;
  return {*context_.network(cell_),
          at,
          data->inputs(data::Part::train, rows),
          data->labels(data::Part::train, rows),
          loss_.at(step, denominator),
          as_trained ? model::BatchNormUse(settings_.model).gradient(step) : model::Statistics::running,
          loss_.l2,
          memory};
}

learn::GraphMemory CurvatureTrack::graph_memory(std::size_t num_rows) const {
  constexpr double kShare = 0.5;  // of the memory that the plan leaves: its figures are estimates
  learn::GraphMemory memory;
  const auto& data = context_.plan().description(cell_);
  const auto row_bytes =
      plan::gradient_graph_bytes(settings_.model, plan::model_size(settings_.model, data.shape, data.num_classes));
  if (!context_.device().is_cpu() || row_bytes == 0) {
    return memory;  // a GPU's memory is not planned
  }
  const auto rows = static_cast<std::int64_t>(num_rows);
  const auto fitting = static_cast<std::int64_t>(kShare * context_.plan().totals.spare_memory_bytes / row_bytes);
  // The plan has room for one chunk, which some need for those that are made anew.
  memory.kept_rows = rows - memory.chunk_rows <= fitting ? rows : fitting;
  return memory;
}

bool CurvatureTrack::is_due(std::int64_t step) const {
  return asked() && (is_kept(step) || measured_steps_.contains(step));
}

void CurvatureTrack::measure(std::int64_t step, const model::State& original,
                             const std::vector<std::int64_t>& batch_rows, double distance_from_start) {
  const auto started = std::chrono::steady_clock::now();
  const auto& measure = settings_.measure;
  if (std::isfinite(distance_from_start)) {
    const bool wants_vector = measure.warm_start && is_kept(step);
    const auto& rows = measure.hessian == config::HessianKind::batch ? batch_rows : fixed_rows();
    const auto map =
        hessian(original, loss_step(step), rows, static_cast<double>(rows.size()), graph_memory(rows.size()));
    spectrum_ = measure.sigma == config::Sigma::lanczos
                    ? learn::lanczos(map, kept_vector_.defined() ? kept_vector_ : start_vector_,
                                     {measure.lanczos_steps, measure.lanczos_tolerance, wants_vector})
                    : learn::power_iteration(map, start_vector_, measure.power_iterations, measure.power_tolerance);
  } else {
    spectrum_ = {record::kUndefined, record::kUndefined, record::kUndefined, record::kUndefined, 0, false};
  }
  if (is_kept(step)) {
    kept_sizes_.push_back(std::abs(spectrum_.dominant));
    kept_roots_.push_back(square_root(spectrum_.dominant));
    kept_vector_ = std::exchange(spectrum_.vector, {});
  }
  record::CurveRow row;
  row.original_id = tree_.id;
  row.step = step;
  row.measure_id = measure_id_;
  row.lambda_max = spectrum_.lambda_max;
  row.lambda_min = spectrum_.lambda_min;
  row.sigma = std::abs(spectrum_.dominant);
  row.residual = spectrum_.residual;
  row.num_hvp = spectrum_.num_products;
  row.converged = spectrum_.converged ? 1 : 0;
  row.distance_from_start = distance_from_start;
  curve_.push_back(std::move(row));
  seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
}

void CurvatureTrack::transfer(Archive& archive) {
  archive(spectrum_.lambda_max, spectrum_.lambda_min, spectrum_.dominant, spectrum_.residual, spectrum_.num_products,
          spectrum_.converged, kept_vector_, kept_sizes_, kept_roots_, seconds_);
  transfer_rows(archive, curve_, record::curve_columns());
}

metrics::Curvature CurvatureTrack::curvature() const {
  return {std::abs(spectrum_.dominant), square_root(spectrum_.dominant),
          kept_sizes_.empty() ? record::kUndefined : mean(kept_sizes_),
          kept_roots_.empty() ? record::kUndefined : mean(kept_roots_)};
}

metrics::Curvature CurvatureTrack::mean_after(std::int64_t from, std::int64_t to) const {
  const auto every = settings_.measure.sigma_every.value_or(0);
  const auto mean_of = [&](const std::vector<double>& kept) {
    if (!keeps_sizes() || from / every >= to / every) {
      return record::kUndefined;
    }
    return mean({kept.begin() + from / every + 1, kept.begin() + to / every + 1});
  };
  const double sigma = mean_of(kept_sizes_), root = mean_of(kept_roots_);
  return {sigma, root, sigma, root};
}

std::optional<double> CurvatureTrack::size_at(std::int64_t step) const {
  if (kept_sizes_.empty()) {
    return std::nullopt;
  }
  const auto index = static_cast<std::size_t>(step / *settings_.measure.sigma_every);
  return kept_sizes_[std::min(index, kept_sizes_.size() - 1)];
}

std::string CurvatureTrack::mode(std::int64_t step) const {
  if (context_.network(cell_)->layout().num_buffers == 0) {
    return "none";
  }
  const bool trains = model::BatchNormUse(settings_.model).uses_batch(loss_step(step));
  return settings_.measure.sigma_mode == config::SigmaMode::eval || !trains ? "eval" : "train";
}

}  // namespace unroll::execute
