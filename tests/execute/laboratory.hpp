#pragma once
// A study that runs inside a test. The plan is made from one data set; training reads another: the same rows, with
// other contents where a test wants to know who looks at them.
#include <torch/types.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "execute/pretraining.hpp"
#include "execute/repeat.hpp"
#include "execute/tree_pack.hpp"
#include "support/small_set.hpp"
#include "support/temp_folder.hpp"
#include "unroll/execute/context.hpp"
#include "unroll/execute/numerics.hpp"

namespace unroll::execute {

using SharedSet = std::shared_ptr<const dataset::DataSet>;

/// The first rows of optdigits, as reals, so that a value can be 1e30 or NaN.
inline SharedSet digits(std::int64_t num_train) {
  config::Settings::Data settings;
  settings.train_size = num_train;
  settings.test_size = 20;
  auto set = std::make_shared<dataset::DataSet>(dataset::load(settings));
  const auto& bytes = std::get<std::vector<std::uint8_t>>(set->train_inputs);
  set->train_inputs = std::vector<double>(bytes.begin(), bytes.end());
  return set;
}

/// Images of the smallest size that resnet18 takes; the labels go round the classes.
inline SharedSet images(std::int64_t num_train) {
  auto set = test::small_set(num_train, {3, 25, 25}, 10, 8);
  for (std::size_t row = 0; row < set->description.train_labels.size(); ++row) {
    set->description.train_labels[row] = static_cast<std::int32_t>(row % 10);
  }
  return set;
}

enum class Fill { noise, huge, not_a_number };
inline constexpr Fill kFills[] = {Fill::noise, Fill::huge, Fill::not_a_number};

inline const char* name_of(Fill fill) { return fill == Fill::noise ? "noise" : fill == Fill::huge ? "1e30" : "NaN"; }

/// The set with other inputs and other labels in these training rows. What a plan knows is not touched: plans are made
/// from the set as it was.
inline SharedSet spoiled(const dataset::DataSet& set, const std::vector<std::int64_t>& rows, Fill fill) {
  auto changed = std::make_shared<dataset::DataSet>(set);
  const RandomStream noise(11, "spoiled rows");
  std::visit(
      [&](auto& inputs) {
        using Element = typename std::decay_t<decltype(inputs)>::value_type;
        const auto size = inputs.size() / static_cast<std::size_t>(set.description.num_train);
        for (const auto row : rows) {
          for (std::size_t i = static_cast<std::size_t>(row) * size; i < static_cast<std::size_t>(row + 1) * size;
               ++i) {
            const double value = fill == Fill::noise  ? 10 * noise.normal(0, i)
                                 : fill == Fill::huge ? 1e30
                                                      : std::numeric_limits<double>::quiet_NaN();
            inputs[i] = static_cast<Element>(value);
          }
        }
      },
      changed->train_inputs);
  const auto num_classes = static_cast<std::int32_t>(set.description.num_classes);
  for (const auto row : rows) {
    auto& label = changed->description.train_labels[static_cast<std::size_t>(row)];
    label = (label + 1 + static_cast<std::int32_t>(row % (num_classes - 1))) % num_classes;
  }
  return changed;
}

/// What a study left: weights and BatchNorm statistics of every model, by file name, and the rows.
struct Outcome {
  std::map<std::string, hdf5::ArrayFile> files;
  std::vector<record::PairRow> pairs;
  std::map<std::string, std::int64_t> model_steps;  // trained, by tree id
};

/// Bit for bit, NaN equal to NaN of the same bits.
inline bool same_bits(const hdf5::ArrayFile& a, const hdf5::ArrayFile& b) {
  if (a.arrays.size() != b.arrays.size() || a.arrays.empty()) {
    return false;
  }
  for (std::size_t i = 0; i < a.arrays.size(); ++i) {
    if (a.arrays[i].name != b.arrays[i].name || a.arrays[i].bytes != b.arrays[i].bytes) {
      return false;
    }
  }
  return true;
}

inline bool all_finite(const hdf5::ArrayFile& file) {
  for (const auto& array : file.arrays) {
    const auto is_double = array.type == hdf5::ElementType::float64;
    const auto size = hdf5::size_bytes(array.type);
    for (std::size_t at = 0; at < array.bytes.size(); at += size) {
      double wide = 0;
      float narrow = 0;
      std::memcpy(is_double ? static_cast<void*>(&wide) : &narrow, array.bytes.data() + at, size);
      if (!std::isfinite(is_double ? wide : static_cast<double>(narrow))) {
        return false;
      }
    }
  }
  return true;
}

enum class Packing { together, alone };

class Laboratory {
 public:
  /// ini: the study; the data set that it names is replaced by `described`.
  Laboratory(SharedSet described, const std::string& ini) : described_(std::move(described)) {
    set_up_numerics(1, false);
    const auto path = folder_.write("study.ini", ini);
    const auto study = config::read_study(path, {});
    plan::Sources sources;
    sources.describe = [this](const config::Settings::Data&) { return described_->description; };
    sources.order_file = dataset::read_order_file;
    sources.rows_file = dataset::read_rows_file;
    sources.file_hash = dataset::file_hash;
    plan_ = plan::make_plan(study, sources);
  }
  Laboratory(const Laboratory&) = delete;
  Laboratory& operator=(const Laboratory&) = delete;

  [[nodiscard]] const plan::Plan& plan() const { return plan_; }
  [[nodiscard]] const dataset::DataSet& set() const { return *described_; }
  [[nodiscard]] const plan::Tree& tree_of(const plan::Run& run) const { return plan_.trees[run.tree]; }
  [[nodiscard]] const plan::Fork& fork_of(const plan::Run& run) const { return tree_of(run).forks[run.fork]; }
  /// Training rows that a run's M' must not see (with a class set: the whole class, in the pretraining split too).
  [[nodiscard]] std::vector<std::int64_t> forgotten_rows(const plan::Run& run) const {
    const auto& settings = plan_.cells[run.cell].forget;
    if (settings.kind != config::ForgetKind::class_) {
      return plan_.forget_sets[fork_of(run).forget_set].rows;
    }
    std::vector<std::int64_t> rows;
    for (std::int64_t row = 0; row < described_->description.num_train; ++row) {
      const auto label = described_->description.train_labels[static_cast<std::size_t>(row)];
      if (std::find(settings.index.begin(), settings.index.end(), label) != settings.index.end()) {
        rows.push_back(row);
      }
    }
    return rows;
  }
  [[nodiscard]] std::string original_file(const plan::Run& run) const {
    return file("original-" + tree_of(run).id, run);
  }
  [[nodiscard]] std::string retrained_file(const plan::Run& run) const {
    return file("retrained-" + fork_of(run).id, run);
  }

  /// Every tree of the plan, at its w_0: trees of one shape in one pack, or every tree alone.
  using Packs = std::map<std::string, std::vector<TreeStart>>;
  [[nodiscard]] Packs packs(Context& context, Packing packing) const {
    std::vector<model::State> starts;
    for (std::size_t i = 0; i < plan_.pretrainings.size(); ++i) {
      const std::size_t only[] = {i};
      starts.push_back(pretrain(context, only, [](const Save&) {}).front());
    }
    Packs packs;
    for (const auto& item : plan_.items) {
      if (item.kind != plan::ItemKind::tree) {
        continue;
      }
      std::vector<std::size_t> forks(plan_.trees[item.index].forks.size());
      std::iota(forks.begin(), forks.end(), std::size_t{0});
      TreeStart start{item.index, std::move(forks), starts[plan_.trees[item.index].pretraining], {}};
      if (item.not_with) {
        start.repeat = train_repeat(context, item.index, start.state, [](const Save&) {});
      }
      const auto own = packing == Packing::alone ? std::to_string(item.index) : "";
      packs[item.pack_key + own].push_back(std::move(start));
    }
    return packs;
  }

  /// Trains everything on `trained_on`.
  [[nodiscard]] Outcome run(SharedSet trained_on, Packing packing = Packing::together) const {
    Context context(plan_);
    context.use_data(std::move(trained_on));
    Outcome outcome;
    for (auto& [key, trees] : packs(context, packing)) {
      std::vector<std::size_t> indices;
      for (const auto& tree : trees) {
        indices.push_back(tree.tree);
      }
      auto result = run_trees(
          context, std::move(trees),
          [&](const std::string& path, const hdf5::ArrayFile& file) { outcome.files[path] = file; },
          [](const Save&) {});
      for (std::size_t i = 0; i < indices.size(); ++i) {
        const auto& pairs = result.records[i].pairs;
        outcome.pairs.insert(outcome.pairs.end(), pairs.begin(), pairs.end());
        outcome.model_steps[plan_.trees[indices[i]].id] = result.model_steps[i];
      }
    }
    return outcome;
  }

 private:
  [[nodiscard]] std::string file(const std::string& name, const plan::Run& run) const {
    return "weights/" + name + "-t" + std::to_string(plan_.measured_steps(run).back()) + ".h5";
  }

  SharedSet described_;
  TempFolder folder_;
  plan::Plan plan_;
};

}  // namespace unroll::execute
