#include "cost_model.hpp"

#include <algorithm>
#include <set>

#include "rates.hpp"
#include "unroll/config/keys.hpp"

namespace unroll::plan {
namespace {

using config::Settings;

constexpr double kTrainForwards = 3, kHvpForwards = 6, kFlopPerMac = 2;
constexpr double kHvpsOfOneHvpProxy = 2;
constexpr double kStateCopies = 5;       // weights, gradient, momentum, w_0 and one work vector
constexpr double kActivationCopies = 2;  // forward and backward
constexpr double kHessianCopies = 5;     // forward, backward, and backward through both
constexpr double kHessianChunk = 128;    // rows of one graph where they can be cut (learn::GraphMemory)

double bytes_of(const Settings::Model& model) { return model.dtype == config::Dtype::float64 ? 8 : 4; }

bool is_unrolled(const Settings& cell) { return cell.unlearn.method == config::UnlearnMethod::first_order; }

Work work(const Rate& rate, double flop) { return {flop, rate.overhead_s + flop / rate.flop_per_s}; }

/// Hessian-vector products of one sigma: solvers stop early, after some ten (src/learn/README.md).
std::int64_t products_of(const Settings::Measure& measure) {
  constexpr std::int64_t kUsual = 10;
  if (measure.sigma == config::Sigma::power) {
    return std::min(kUsual, measure.power_iterations);
  }
  return measure.lanczos_tolerance > 0 ? std::min(kUsual, measure.lanczos_steps) : measure.lanczos_steps;
}

std::int64_t largest_batch(const dataset::OrderTable& table) {
  std::size_t rows = 0;
  for (const auto& batch : table.batches) {
    rows = std::max(rows, batch.size());
  }
  return static_cast<std::int64_t>(rows);
}

std::int64_t hessian_rows(const Plan& plan, std::size_t cell, std::int64_t batch_rows) {
  const auto& measure = plan.cells[cell].measure;
  switch (measure.hessian) {
    case config::HessianKind::first:
      return std::min(measure.hessian_first, plan.description(cell).num_train);
    case config::HessianKind::file:
      return std::ssize(plan.row_lists.at(measure.hessian_file));
    case config::HessianKind::batch:
      break;
  }
  return batch_rows;
}

}  // namespace

CostModel::CostModel(const Plan& plan, const std::vector<CellFacts>& facts) : plan_(plan), facts_(facts) {
  for (const auto& [path, table] : plan.order_tables) {
    table_rows_[path] = largest_batch(*table);
  }
  cells_.reserve(plan.cells.size());
  for (std::size_t cell = 0; cell < plan.cells.size(); ++cell) {
    cells_.push_back(cell_costs(cell));
  }
}

CostModel::Cell CostModel::cell_costs(std::size_t index) {
  const Settings& cell = plan_.cells[index];
  const auto& data = plan_.description(index);
  const auto key = facts_[index].texts.model + std::to_string(plan_.description_of_cell[index]);
  auto size = sizes_.find(key);
  if (size == sizes_.end()) {
    size = sizes_.emplace(key, model_size(cell.model, data.shape, data.num_classes)).first;
  }
  const std::int64_t batch_rows = cell.order.kind == config::OrderKind::file
                                      ? table_rows_.at(cell.order.file)
                                      : std::min(cell.train.batch, data.num_train);
  const double forward_flop = kFlopPerMac * size->second.forward_mac;
  const Rates rates = rates_of(cell.model.arch);
  const std::int64_t rows_of_product = hessian_rows(plan_, index, batch_rows);
  Cell costs{size->second, real(batch_rows), real(rows_of_product), {}, {}, {}, {}};
  costs.step = work(rates.train, kTrainForwards * forward_flop * real(batch_rows));
  costs.hvp = work(rates.hvp, kHvpForwards * forward_flop * real(rows_of_product));
  costs.hvp_of_batch = work(rates.hvp, kHvpForwards * forward_flop * real(batch_rows));
  if (cell.measure.sigma != config::Sigma::none) {
    const std::int64_t num_rolling =
        cell.measure.sigma_every ? facts_[index].last_measured / *cell.measure.sigma_every : 0;
    const std::int64_t num_hvps = products_of(cell.measure);
    costs.curvature = real((facts_[index].num_measured + num_rolling) * num_hvps) * costs.hvp;
  }
  return costs;
}

Work CostModel::pretrain(const Pretraining& pretraining) const {
  const auto& cell = plan_.cells[pretraining.cell];
  const bool is_shadow = pretraining.use == PretrainingUse::shadow;
  const auto batch =
      std::min(is_shadow ? cell.prs.batch : cell.pretrain.batch, plan_.description(pretraining.cell).num_train);
  const double flop = kTrainForwards * kFlopPerMac * real(batch) * size(pretraining.cell).forward_mac;
  return real(pretraining.num_steps) * work(rates_of(cell.model.arch).train, flop);
}

Work CostModel::original(const Tree& tree) const { return real(tree.num_steps) * cells_[tree.cell].step; }

Work CostModel::trunk(const Tree& tree) const {
  Work all = real(plan_.trunk_steps(tree) * num_trunk_lanes(plan_, tree)) * cells_[tree.cell].step;
  std::set<std::pair<std::string_view, std::uint64_t>> curvatures;  // runs that agree on it share it
  for (const std::size_t index : tree.runs) {
    const Run& run = plan_.runs[index];
    if (curvatures.emplace(facts_[run.cell].texts.curvature, plan_.seeds_of(run).eval).second) {
      all += cells_[run.cell].curvature;
    }
  }
  return all;
}

Work CostModel::fork(const Tree& tree, const Fork& fork) const {
  return real(trained_steps(tree, fork)) * cells_[tree.cell].step;
}

Work CostModel::method(const Tree& tree, const Run& run) const {
  if (!is_unrolled(plan_.cells[run.cell])) {
    return {};
  }
  const std::int64_t num_steps = std::max<std::int64_t>(tree.num_steps - tree.forks[run.fork].first_touch - 1, 0);
  Work step = cells_[tree.cell].step;
  step += cells_[tree.cell].hvp_of_batch;
  return real(num_steps) * step;
}

Work CostModel::measures(const Run& run) const {
  const Cell& costs = cells_[run.cell];
  const Settings& cell = plan_.cells[run.cell];
  Work row{0, kRow_s + kRowParameter_s * real(costs.size.num_parameters)};
  if (const double rows = num_eval_rows(run); rows > 0) {
    row += work(rates_of(cell.model.arch).outputs, 3 * rows * kFlopPerMac * costs.size.forward_mac);
  }
  if (cell.measure.one_hvp) {
    row += kHvpsOfOneHvpProxy * costs.hvp;
  }
  return real(facts_[run.cell].num_measured) * row;
}

std::int64_t CostModel::trained_steps(const Tree& tree, const Fork& fork) const {
  if (fork.repeat) {
    return 0;
  }
  const bool is_ghost = plan_.cells[fork.cell].forget.kind == config::ForgetKind::ghost;
  return is_ghost || tree.again > 0 ? tree.num_steps : tree.num_steps - fork.first_touch;
}

double CostModel::num_eval_rows(const Run& run) const {
  const Settings& cell = plan_.cells[run.cell];
  if (!cell.measure.outputs && !cell.output.logits) {
    return 0;
  }
  const auto& data = plan_.description(run.cell);
  const auto& forgotten = plan_.forget_sets[plan_.trees[run.tree].forks[run.fork].forget_set];
  const std::int64_t most = cell.measure.eval_rows.value_or(data.num_train + data.num_test);
  return real(std::min(most, data.num_train) + std::min(most, data.num_test) + std::ssize(forgotten.rows));
}

double CostModel::element_bytes(std::size_t cell) const { return bytes_of(plan_.cells[cell].model); }

double CostModel::weights_bytes(std::size_t cell) const {
  return element_bytes(cell) * real(size(cell).num_parameters + size(cell).num_buffers);
}

double CostModel::resident_bytes(std::size_t cell, bool pretrains) const {
  const auto& settings = plan_.cells[cell];
  const bool has_memory = settings.train.momentum != 0 || settings.train.weight_decay != 0;
  const double correction = has_memory ? 2 : 1;  // with what momentum adds
  const double sums = pretrains ? 0 : correction + (settings.measure.one_hvp ? 4 : 0);
  return kStateCopies * weights_bytes(cell) + sums * 8 * real(size(cell).num_parameters);
}

double CostModel::activation_bytes(std::size_t cell, bool pretrains) const {
  const Settings& settings = plan_.cells[cell];
  const bool has_shadow = config::find_key("prs.batch")->acts.holds(settings);
  const auto pretrain_batch = std::max(settings.pretrain.batch, has_shadow ? settings.prs.batch : 0);
  const double batch =
      pretrains ? real(std::min(pretrain_batch, plan_.description(cell).num_train)) : cells_[cell].batch_rows;
  return kActivationCopies * element_bytes(cell) * size(cell).activations * batch;
}

double CostModel::hessian_bytes(std::size_t cell, bool as_in_training, double rows) const {
  const bool is_one_batch = as_in_training && plan_.cells[cell].model.batchnorm != config::BatchNormMode::frozen &&
                            size(cell).num_buffers > 0;
  const double at_once = is_one_batch ? rows : std::min(rows, kHessianChunk);
  return gradient_graph_bytes(plan_.cells[cell].model, size(cell)) * at_once;
}

double CostModel::measure_bytes(std::size_t cell) const {
  const auto& measure = plan_.cells[cell].measure;
  const bool has_products = measure.sigma != config::Sigma::none || measure.one_hvp;
  return has_products ? hessian_bytes(cell, measure.sigma_mode == config::SigmaMode::train, cells_[cell].hessian_rows)
                      : 0;
}

double CostModel::method_bytes(std::size_t cell) const {
  return is_unrolled(plan_.cells[cell]) ? hessian_bytes(cell, true, cells_[cell].batch_rows) : 0;
}

double gradient_graph_bytes(const Settings::Model& model, const ModelSize& size) {
  return kHessianCopies * bytes_of(model) * size.activations;
}

}  // namespace unroll::plan
