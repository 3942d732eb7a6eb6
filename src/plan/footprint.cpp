// Memory and disk that a study needs.
#include <algorithm>
#include <array>
#include <cstdio>
#include <map>

#include "cost_model.hpp"
#include "unroll/base/text.hpp"
#include "unroll/config/keys.hpp"

namespace unroll::plan {
namespace {

using config::Settings;

constexpr double kRowBytes = 1000;  // of one row of results: about 100 columns
constexpr double kGigabyte = 1e9;

std::string gigabytes(double bytes) {
  std::array<char, 32> text;
  std::snprintf(text.data(), text.size(), "%.3g GB", bytes / kGigabyte);
  return text.data();
}

double data_bytes(const Plan& plan) {
  double bytes = 0;
  for (std::size_t cell = 0; cell < plan.cells.size(); ++cell) {
    const auto& data = plan.description(cell);
    double elements = real(data.num_train + data.num_test);
    for (const std::int64_t side : data.shape) {
      elements *= real(side);
    }
    const double kept = elements * (plan.cells[cell].model.dtype == config::Dtype::float64 ? 8 : 4);
    const double as_it_came = elements * (plan.cells[cell].data.dataset == config::Dataset::hdf5 ? 4 : 1);
    bytes = std::max(bytes, as_it_came + (kept <= real(dataset::kKeptBytes) ? kept : 0));
  }
  return bytes;
}

struct Pack {
  double resident_bytes = 0, activation_bytes = 0;  // of the widest lane
  double measure_bytes = 0, method_bytes = 0;       // of a product, of the most demanding cell; one at a time
  std::int64_t num_lanes = 0;                       // of all items
  std::int64_t largest_item = 0;                    // lanes that must be held together: M with all its forks
  std::size_t cell = 0, method_cell = 0;
};

std::map<std::string, Pack> packs_of(const Plan& plan, const CostModel& costs) {
  std::map<std::string, Pack> packs;
  for (const Item& item : plan.items) {
    const bool pretrains = item.kind == ItemKind::pretraining;
    const std::size_t cell = pretrains ? plan.pretrainings[item.index].cell : plan.trees[item.index].cell;
    Pack& pack = packs[item.pack_key];
    pack.num_lanes += item.num_lanes;
    pack.largest_item = std::max(pack.largest_item, item.num_lanes);
    if (!pretrains) {
      for (const std::size_t run : plan.trees[item.index].runs) {
        const std::size_t of_run = plan.runs[run].cell;
        pack.measure_bytes = std::max(pack.measure_bytes, costs.measure_bytes(of_run));
        if (const double bytes = costs.method_bytes(of_run); bytes > pack.method_bytes) {
          pack.method_bytes = bytes;
          pack.method_cell = of_run;
        }
      }
    }
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

/// A pack that folds `lanes` a call holds at least one item whole. A call's activations and a Hessian's are not there
/// at the same time.
double pack_bytes(const Pack& pack, std::int64_t lanes) {
  return real(std::max(lanes, pack.largest_item)) * pack.resident_bytes +
         std::max({real(lanes) * pack.activation_bytes, pack.measure_bytes, pack.method_bytes});
}

[[noreturn]] void refuse_memory(const config::Study& study, const Plan& plan, const Pack& pack, std::int64_t lanes,
                                double data, double limit) {
  const Settings& cell = plan.cells[pack.cell];
  std::int64_t fitting = lanes;
  while (fitting > 0 && data + pack_bytes(pack, fitting) > limit) {
    --fitting;
  }
  const std::string needed =
      " need about " + gigabytes(data + pack_bytes(pack, lanes)) + ", a rank has " + gigabytes(limit) + "; ";
  const std::string arch = config::find_key("model.arch")->canonical(cell);
  Pack without = pack;
  without.method_bytes = 0;
  if (fitting == 0 && data + pack_bytes(without, 1) <= limit) {
    throw config::bad_setting(
        study, "unlearn.method", plan.cells[pack.method_cell],
        "Hessian-vector products of " + arch + " on a batch" + needed + "take a smaller train.batch or another method");
  }
  without.measure_bytes = 0;
  if (fitting == 0 && data + pack_bytes(without, 1) <= limit) {
    throw config::bad_setting(study, "measure.hessian", cell,
                              "Hessian-vector products of " + arch + " on these rows" + needed +
                                  "take fewer rows, or measure.sigma_mode = eval, whose products go by chunks");
  }
  const std::string advice = fitting > 0 ? "at most " + std::to_string(fitting) + " fit"
                             : pack.largest_item > 1
                                 ? "not even one tree of " + std::to_string(pack.largest_item) +
                                       " models fits: forget fewer sets in one study, or use a smaller model or batch"
                                 : "not even one fits: use a smaller model, batch or data set";
  throw config::bad_setting(study, "run.lanes", cell, std::to_string(lanes) + " lanes of " + arch + needed + advice);
}

void add_memory(Plan& plan, const CostModel& costs, const config::Study& study, std::int64_t limit_bytes) {
  const double data = data_bytes(plan);
  for (const auto& [key, pack] : packs_of(plan, costs)) {
    const Settings& cell = plan.cells[pack.cell];
    const std::int64_t lanes = std::min(max_lanes(cell), pack.num_lanes);
    const double bytes = data + pack_bytes(pack, lanes);
    if (cell.run.checkpoint > 0) {
      plan.totals.checkpoint_bytes =
          std::max(plan.totals.checkpoint_bytes, real(std::max(lanes, pack.largest_item)) * pack.resident_bytes);
    }
    if (limit_bytes > 0 && bytes > real(limit_bytes)) {
      refuse_memory(study, plan, pack, lanes, data, real(limit_bytes));
    }
    if (bytes > plan.totals.memory_per_rank_bytes) {
      plan.totals.memory_per_rank_bytes = bytes;
      plan.totals.lanes_per_pack = std::max(lanes, pack.largest_item);
    }
  }
  plan.totals.spare_memory_bytes = std::max(0.0, real(limit_bytes) - plan.totals.memory_per_rank_bytes);
}

void add_disk(Plan& plan, const CostModel& costs) {
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
      bytes +=
          3 * costs.num_eval_rows(run) * real(plan.description(run.cell).num_classes) * costs.element_bytes(run.cell);
    }
  }
  plan.totals.disk_bytes = bytes;
}

}  // namespace

void add_footprint(Plan& plan, const CostModel& costs, const config::Study& study, std::int64_t memory_limit_bytes) {
  add_memory(plan, costs, study, memory_limit_bytes);
  add_disk(plan, costs);
}

}  // namespace unroll::plan
