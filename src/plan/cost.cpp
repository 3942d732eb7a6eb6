// Estimates, not measurements. A training step costs three forward passes over its batch (forward, and twice that
// backward), a Hessian-vector product six over its examples, a multiply-add two operations.
#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <set>

#include "facts.hpp"
#include "unroll/base/text.hpp"
#include "unroll/config/keys.hpp"

namespace unroll::plan {
namespace {

using config::Settings;

constexpr double kTrainForwards = 3, kHvpForwards = 6, kFlopPerMac = 2;
constexpr double kHvpsOfOneHvpProxy = 2;
constexpr double kStateCopies = 5;       // weights, gradient, momentum, w_0 and one work vector
constexpr double kActivationCopies = 2;  // forward and backward
constexpr double kRowBytes = 1000;       // of one row of results: about 100 columns
constexpr double kGigabyte = 1e9;
constexpr std::int64_t kDefaultFoldedLanes = 64;

double real(std::int64_t value) { return static_cast<double>(value); }

std::string gigabytes(double bytes) {
  std::array<char, 32> text;
  std::snprintf(text.data(), text.size(), "%.3g GB", bytes / kGigabyte);
  return text.data();
}

double element_bytes(const Settings& cell) { return cell.model.dtype == config::Dtype::float64 ? 8 : 4; }

bool folds(const Settings& cell) {
  return cell.model.arch == config::Arch::linear || cell.model.arch == config::Arch::mlp;
}

/// Rows that outputs are computed on.
double num_eval_rows(const Settings& cell, const dataset::Description& data, const ForgetSet& forgotten) {
  if (!cell.measure.outputs) {
    return 0;
  }
  const std::int64_t most = cell.measure.eval_rows.value_or(data.num_train + data.num_test);
  return real(std::min(most, data.num_train) + std::min(most, data.num_test) + std::ssize(forgotten.rows));
}

class CostModel {
 public:
  CostModel(Plan& plan, const std::vector<CellFacts>& facts) : plan_(plan), facts_(facts) {}

  [[nodiscard]] const ModelSize& size(std::size_t cell) {
    const auto key = facts_[cell].texts.model + std::to_string(plan_.description_of_cell[cell]);
    const auto found = sizes_.find(key);
    if (found != sizes_.end()) {
      return found->second;
    }
    const auto& data = plan_.description(cell);
    return sizes_.emplace(key, model_size(plan_.cells[cell].model, data.shape, data.num_classes)).first->second;
  }

  [[nodiscard]] double forward_flop(std::size_t cell) { return kFlopPerMac * size(cell).forward_mac; }

  [[nodiscard]] std::int64_t batch_rows(std::size_t cell) const {
    const Settings& settings = plan_.cells[cell];
    if (settings.order.kind != config::OrderKind::file) {
      return std::min(settings.train.batch, plan_.description(cell).num_train);
    }
    std::size_t largest = 0;
    for (const auto& batch : plan_.order_tables.at(settings.order.file)->batches) {
      largest = std::max(largest, batch.size());
    }
    return static_cast<std::int64_t>(largest);
  }

  [[nodiscard]] double train_flop(std::size_t cell, std::int64_t num_steps) {
    return real(num_steps) * real(batch_rows(cell)) * kTrainForwards * forward_flop(cell);
  }

  [[nodiscard]] double pretrain_flop(const Pretraining& pretraining) {
    const auto batch =
        std::min(plan_.cells[pretraining.cell].pretrain.batch, plan_.description(pretraining.cell).num_train);
    return real(pretraining.num_steps) * real(batch) * kTrainForwards * forward_flop(pretraining.cell);
  }

  [[nodiscard]] double hvp_flop(std::size_t cell) {
    const auto& measure = plan_.cells[cell].measure;
    std::int64_t rows = batch_rows(cell);
    if (measure.hessian == config::HessianKind::first) {
      rows = std::min(measure.hessian_first, plan_.description(cell).num_train);
    } else if (measure.hessian == config::HessianKind::file) {
      rows = std::ssize(plan_.row_lists.at(measure.hessian_file));
    }
    return kHvpForwards * forward_flop(cell) * real(rows);
  }

  /// Curvature of M along a trajectory, as one cell asks for it.
  [[nodiscard]] double curvature_flop(std::size_t cell) {
    const auto& measure = plan_.cells[cell].measure;
    if (measure.sigma == config::Sigma::none) {
      return 0;
    }
    const std::int64_t num_rolling = measure.sigma_every ? facts_[cell].last_measured / *measure.sigma_every : 0;
    const std::int64_t num_hvps =
        measure.sigma == config::Sigma::lanczos ? measure.lanczos_steps : measure.power_iterations;
    return real(facts_[cell].num_measured + num_rolling) * real(num_hvps) * hvp_flop(cell);
  }

  /// The rest of one run's measures: outputs of three models, and the one-HVP proxy.
  [[nodiscard]] double measure_flop(const Run& run) {
    const Settings& cell = plan_.cells[run.cell];
    const auto& fork = plan_.trees[run.tree].forks[run.fork];
    const double rows = num_eval_rows(cell, plan_.description(run.cell), plan_.forget_sets[fork.forget_set]);
    const double hvps = cell.measure.one_hvp ? kHvpsOfOneHvpProxy * hvp_flop(run.cell) : 0;
    return real(facts_[run.cell].num_measured) * (3 * rows * forward_flop(run.cell) + hvps);
  }

  [[nodiscard]] double tree_flop(const Tree& tree) {
    double flop = train_flop(tree.cell, tree.num_steps);
    for (const Fork& fork : tree.forks) {
      flop += train_flop(tree.cell, trained_steps(tree, fork));
    }
    std::set<std::string> curvatures;  // runs that agree on it share it
    for (const std::size_t index : tree.runs) {
      const Run& run = plan_.runs[index];
      flop += measure_flop(run);
      const auto key = facts_[run.cell].texts.curvature + std::to_string(plan_.seeds_of(run).eval);
      if (curvatures.insert(key).second) {
        flop += curvature_flop(run.cell);
      }
    }
    return flop;
  }

  /// Steps that a fork trains beside M: none for a repeat (an item of its own), all for a ghost.
  [[nodiscard]] std::int64_t trained_steps(const Tree& tree, const Fork& fork) const {
    if (fork.repeat) {
      return 0;
    }
    const bool is_ghost = plan_.cells[fork.cell].forget.kind == config::ForgetKind::ghost;
    return is_ghost ? tree.num_steps : tree.num_steps - fork.first_touch;
  }

  [[nodiscard]] double item_flop(const Item& item) {
    switch (item.kind) {
      case ItemKind::pretraining:
        return pretrain_flop(plan_.pretrainings[item.index]);
      case ItemKind::repeat:
        return train_flop(plan_.trees[item.index].cell, plan_.trees[item.index].num_steps);
      case ItemKind::tree:
        break;
    }
    return tree_flop(plan_.trees[item.index]);
  }

  [[nodiscard]] double weights_bytes(std::size_t cell) {
    return element_bytes(plan_.cells[cell]) * real(size(cell).num_parameters + size(cell).num_buffers);
  }

  /// What a lane holds all the time: weights, gradients, velocities, and for an item of a tree its correction (and the
  /// sums of the one-HVP proxy) in double.
  [[nodiscard]] double resident_bytes(std::size_t cell, bool pretrains) {
    const double sums = pretrains ? 0 : plan_.cells[cell].measure.one_hvp ? 5 : 1;
    return kStateCopies * weights_bytes(cell) + sums * 8 * real(size(cell).num_parameters);
  }
  /// What a lane needs while a call trains it.
  [[nodiscard]] double activation_bytes(std::size_t cell, bool pretrains) {
    const Settings& settings = plan_.cells[cell];
    const std::int64_t batch =
        pretrains ? std::min(settings.pretrain.batch, plan_.description(cell).num_train) : batch_rows(cell);
    return kActivationCopies * element_bytes(settings) * size(cell).activations * real(batch);
  }

 private:
  Plan& plan_;
  const std::vector<CellFacts>& facts_;
  std::map<std::string, ModelSize> sizes_;
};

void add_flop(Plan& plan, CostModel& costs) {
  for (Item& item : plan.items) {
    item.cost_flop = costs.item_flop(item);
    item.critical_flop = item.cost_flop;
    plan.totals.flop += item.cost_flop;
  }
  for (auto item = plan.items.rbegin(); item != plan.items.rend(); ++item) {  // depends point back
    for (const std::size_t start : item->depends) {
      Item& before = plan.items[start];
      before.critical_flop = std::max(before.critical_flop, before.cost_flop + item->critical_flop);
    }
  }
}

void add_steps(Plan& plan, const std::vector<CellFacts>& facts, const CostModel& costs) {
  Totals& totals = plan.totals;
  for (const Run& run : plan.runs) {
    const auto& pretraining = plan.pretrainings[plan.trees[run.tree].pretraining];
    totals.model_steps_asked += pretraining.num_steps + 2 * facts[run.cell].last_measured;
    totals.num_measured_rows += facts[run.cell].num_measured;
  }
  for (const Pretraining& pretraining : plan.pretrainings) {
    totals.model_steps_trained += pretraining.num_steps;
  }
  for (const Tree& tree : plan.trees) {
    totals.model_steps_trained += tree.num_steps;
    for (const Fork& fork : tree.forks) {
      totals.model_steps_trained += fork.repeat ? tree.num_steps : costs.trained_steps(tree, fork);
    }
  }
}

double data_bytes(const Plan& plan) {
  double bytes = 0;
  for (std::size_t cell = 0; cell < plan.cells.size(); ++cell) {
    const auto& data = plan.description(cell);
    double elements = real(data.num_train + data.num_test);
    for (const std::int64_t side : data.shape) {
      elements *= real(side);
    }
    bytes = std::max(bytes, elements * (plan.cells[cell].data.dataset == config::Dataset::hdf5 ? 4 : 1));
  }
  return bytes;
}

struct Pack {
  double resident_bytes = 0, activation_bytes = 0;  // of the widest lane
  std::int64_t num_lanes = 0;                       // of all items
  std::int64_t largest_item = 0;                    // lanes that must be held together: M with all its forks
  std::size_t cell = 0;
};

std::map<std::string, Pack> packs_of(const Plan& plan, CostModel& costs) {
  std::map<std::string, Pack> packs;
  for (const Item& item : plan.items) {
    const bool pretrains = item.kind == ItemKind::pretraining;
    const std::size_t cell = pretrains ? plan.pretrainings[item.index].cell : plan.trees[item.index].cell;
    Pack& pack = packs[item.pack_key];
    pack.num_lanes += item.num_lanes;
    pack.largest_item = std::max(pack.largest_item, item.num_lanes);
    const double resident = costs.resident_bytes(cell, pretrains);
    const double activation = costs.activation_bytes(cell, pretrains);
    if (resident + activation > pack.resident_bytes + pack.activation_bytes) {
      pack.resident_bytes = resident;
      pack.activation_bytes = activation;
      pack.cell = cell;
    }
  }
  return packs;
}

/// A pack that folds `lanes` a call holds at least one item whole.
double pack_bytes(const Pack& pack, std::int64_t lanes) {
  return real(std::max(lanes, pack.largest_item)) * pack.resident_bytes + real(lanes) * pack.activation_bytes;
}

[[noreturn]] void refuse_memory(const config::Study& study, const Settings& cell, const Pack& pack, std::int64_t lanes,
                                double data, double limit) {
  std::int64_t fitting = lanes;
  while (fitting > 0 && data + pack_bytes(pack, fitting) > limit) {
    --fitting;
  }
  const std::string advice = fitting > 0 ? "at most " + std::to_string(fitting) + " fit"
                             : pack.largest_item > 1
                                 ? "not even one tree of " + std::to_string(pack.largest_item) +
                                       " models fits: forget fewer sets in one study, or use a smaller model or batch"
                                 : "not even one fits: use a smaller model, batch or data set";
  throw config::bad_setting(study, "run.lanes", cell,
                            std::to_string(lanes) + " lanes of " + config::find_key("model.arch")->canonical(cell) +
                                " need about " + gigabytes(data + pack_bytes(pack, lanes)) + ", a rank has " +
                                gigabytes(limit) + "; " + advice);
}

void add_memory(Plan& plan, CostModel& costs, const config::Study& study, std::int64_t limit_bytes) {
  const double data = data_bytes(plan);
  for (const auto& [key, pack] : packs_of(plan, costs)) {
    const Settings& cell = plan.cells[pack.cell];
    const std::int64_t asked = cell.run.lanes.value_or(folds(cell) ? kDefaultFoldedLanes : 1);
    const std::int64_t lanes = std::min(asked, pack.num_lanes);
    const double bytes = data + pack_bytes(pack, lanes);
    if (limit_bytes > 0 && bytes > real(limit_bytes)) {
      refuse_memory(study, cell, pack, lanes, data, real(limit_bytes));
    }
    if (bytes > plan.totals.memory_per_rank_bytes) {
      plan.totals.memory_per_rank_bytes = bytes;
      plan.totals.lanes_per_pack = std::max(lanes, pack.largest_item);
    }
  }
}

void add_disk(Plan& plan, CostModel& costs) {
  double bytes = kRowBytes * real(plan.totals.num_measured_rows);
  for (const Item& item : plan.items) {  // shared stages: what pretrainings and repeats leave for trees
    if (item.kind == ItemKind::pretraining) {
      bytes += costs.weights_bytes(plan.pretrainings[item.index].cell);
    } else if (item.kind == ItemKind::repeat) {
      bytes += costs.weights_bytes(plan.trees[item.index].cell);
    }
  }
  for (const Run& run : plan.runs) {
    const Settings& cell = plan.cells[run.cell];
    if (cell.output.weights == config::WeightsOutput::final_step) {
      bytes += 3 * costs.weights_bytes(run.cell);
    }
    if (cell.output.logits) {
      const auto& fork = plan.trees[run.tree].forks[run.fork];
      const auto& data = plan.description(run.cell);
      bytes += 3 * num_eval_rows(cell, data, plan.forget_sets[fork.forget_set]) * real(data.num_classes) *
               element_bytes(cell);
    }
  }
  plan.totals.disk_bytes = bytes;
}

}  // namespace

void add_costs(Plan& plan, const std::vector<CellFacts>& facts, const config::Study& study,
               std::int64_t memory_limit_bytes) {
  CostModel costs(plan, facts);
  add_flop(plan, costs);
  add_steps(plan, facts, costs);
  add_memory(plan, costs, study, memory_limit_bytes);
  add_disk(plan, costs);
}

}  // namespace unroll::plan
