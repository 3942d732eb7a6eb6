// What is known of the cells before any seed: data, files, lengths, the texts behind ids; and what is wrong with them.
#include <string>
#include <unordered_map>

#include "facts.hpp"
#include "parts.hpp"
#include "unroll/base/sha256.hpp"
#include "unroll/base/text.hpp"
#include "unroll/config/keys.hpp"

namespace unroll::plan {
namespace {

using config::bad_file;
using config::bad_setting;
using config::ForgetKind;
using config::OrderKind;
using config::PretrainOn;
using config::Settings;

constexpr std::int64_t kMaxMeasuredSteps = 1'000'000;

/// The cell as it trains in orders of its own: examples leave wherever they occur.
Settings in_any_order(Settings cell) {
  cell.order.kind = OrderKind::shuffled;
  if (cell.forget.kind == ForgetKind::step) {
    cell.forget.kind = ForgetKind::examples;
  }
  return cell;
}

class Survey {
 public:
  Survey(const config::Study& study, const Sources& sources, Plan& plan,
         std::map<std::string, std::string>& init_hashes)
      : study_(study), sources_(sources), plan_(plan), init_hashes_(init_hashes) {}

  std::vector<CellFacts> take() {
    describe_data();
    read_files();
    gather_facts();
    return std::move(facts_);
  }

 private:
  void describe_data();
  void read_files();
  void gather_facts();
  void check_cell(const Settings& cell, const dataset::Description& data, const CellFacts& facts) const;
  void check_measured(const Settings& cell, const CellFacts& facts) const;
  /// What a source reads from the file that the key names; its refusal gets the key and the place.
  template <typename Read>
  auto read(std::string_view key, const Settings& cell, Read source) const {
    try {
      return source();
    } catch (const UsageError& error) {
      throw bad_file(study_, key, cell, error);
    }
  }

  const config::Study& study_;
  const Sources& sources_;
  Plan& plan_;
  std::map<std::string, std::string>& init_hashes_;
  std::vector<CellFacts> facts_;
};

void Survey::describe_data() {
  constexpr std::string_view kData[] = {"data."};
  const auto keys = config::select_keys(kData);
  std::unordered_map<std::string, std::size_t> known;
  for (const Settings& cell : plan_.cells) {
    const auto [found, is_new] = known.emplace(config::canonical_text(cell, keys), plan_.descriptions.size());
    if (is_new) {
      plan_.descriptions.push_back(std::make_shared<const dataset::Description>(
          read("data.path", cell, [&] { return sources_.describe(cell.data); })));
    }
    plan_.description_of_cell.push_back(found->second);
  }
}

void Survey::read_files() {
  const auto read_rows = [&](std::string_view key, const Settings& cell, const std::string& path,
                             std::int64_t num_rows) {
    if (!plan_.row_lists.contains(path)) {
      plan_.row_lists.emplace(path, read(key, cell, [&] { return sources_.rows_file(path, num_rows); }));
    }
  };
  for (std::size_t i = 0; i < plan_.cells.size(); ++i) {
    const Settings& cell = plan_.cells[i];
    const std::int64_t num_train = plan_.description(i).num_train;
    if (!cell.init.file.empty() && !init_hashes_.contains(cell.init.file)) {
      init_hashes_.emplace(cell.init.file, read("init.file", cell, [&] { return sources_.file_hash(cell.init.file); }));
    }
    if (cell.order.kind == OrderKind::file && !plan_.order_tables.contains(cell.order.file)) {
      plan_.order_tables.emplace(
          cell.order.file, std::make_shared<const dataset::OrderTable>(read(
                               "order.file", cell, [&] { return sources_.order_file(cell.order.file, num_train); })));
    }
    if (cell.forget.kind == ForgetKind::file) {
      read_rows("forget.file", cell, cell.forget.file, num_train);
    }
    if (cell.measure.hessian == config::HessianKind::file) {
      read_rows("measure.hessian", cell, cell.measure.hessian_file, num_train);
      const std::int64_t last = plan_.row_lists.at(cell.measure.hessian_file).back();
      if (last >= num_train) {  // read for another cell, whose data set is larger
        throw bad_setting(study_, "measure.hessian", cell,
                          "lists row " + std::to_string(last) + ", must be in 0.." + std::to_string(num_train - 1));
      }
    }
  }
}

void Survey::gather_facts() {
  CellTextMaker maker;
  facts_.reserve(plan_.cells.size());
  for (std::size_t i = 0; i < plan_.cells.size(); ++i) {
    const Settings& cell = plan_.cells[i];
    const auto& data = plan_.description(i);
    CellFacts facts;
    facts.steps_per_epoch = steps_per_epoch_of(cell, data, plan_);
    facts.total_steps = total_steps_of(cell, facts.steps_per_epoch);
    check_cell(cell, data, facts);
    CellInputs inputs{data.content_hash, {}, {}, {}, facts.total_steps};
    if (!cell.init.file.empty()) {
      inputs.init_hash = init_hashes_.at(cell.init.file);
    }
    if (cell.order.kind == OrderKind::file) {
      inputs.order_hash = plan_.order_tables.at(cell.order.file)->content_hash;
    }
    if (cell.measure.hessian == config::HessianKind::file) {
      inputs.hessian_hash = rows_hash(plan_.row_lists.at(cell.measure.hessian_file));
    }
    const auto steps = measured_steps_of(cell, facts.total_steps);
    facts.last_measured = steps.back();
    facts.num_measured = std::ssize(steps);
    facts.texts = maker.make(cell, inputs);
    if (asks_for_orders(cell)) {
      facts.shuffled = maker.make(in_any_order(cell), inputs);
    }
    facts_.push_back(std::move(facts));
  }
}

void Survey::check_cell(const Settings& cell, const dataset::Description& data, const CellFacts& facts) const {
  if (cell.pretrain.on == PretrainOn::split) {
    const std::int64_t num_pretrain = num_split_rows(data.num_train, cell.pretrain.fraction);
    if (num_pretrain < 1 || num_pretrain >= data.num_train) {
      throw bad_setting(study_, "pretrain.fraction", cell,
                        "leaves no row to " + std::string(num_pretrain < 1 ? "pretrain" : "fine-tune") +
                            " on: there are " + std::to_string(data.num_train) + " training rows");
    }
  }
  try {
    (void)model_size(cell.model, data.shape, data.num_classes);
  } catch (const UsageError& error) {
    throw bad_setting(study_, "model.arch", cell, error.what());
  }
  if (facts.total_steps > kMaxSteps) {
    throw bad_setting(study_, "train.epochs", cell,
                      "makes " + std::to_string(facts.total_steps) + " steps; at most " + std::to_string(kMaxSteps));
  }
  const bool counts_rows = cell.measure.hessian == config::HessianKind::first &&
                           config::find_key("measure.hessian")->acts.holds(cell) &&
                           !study_.origin("measure.hessian").empty();
  if (counts_rows && cell.measure.hessian_first > data.num_train) {
    throw bad_setting(study_, "measure.hessian", cell,
                      "there are only " + std::to_string(data.num_train) + " training rows");
  }
  if (config::find_key("prs.lr")->acts.holds(cell) && data.num_test < 2) {
    throw bad_setting(study_, "prs.shadow", cell, "needs at least 2 test rows");
  }
  check_measured(cell, facts);
}

void Survey::check_measured(const Settings& cell, const CellFacts& facts) const {
  const std::string steps = std::to_string(facts.total_steps) + " steps";
  if (!cell.measure.steps.empty() && cell.measure.steps.back() > facts.total_steps) {
    throw bad_setting(
        study_, "measure.steps", cell,
        "step " + std::to_string(cell.measure.steps.back()) + " is beyond the end: training has " + steps);
  }
  if (cell.measure.every && *cell.measure.every > facts.total_steps) {
    throw bad_setting(study_, "measure.every", cell, "is beyond the end: training has " + steps);
  }
  if (cell.measure.every && facts.total_steps / *cell.measure.every > kMaxMeasuredSteps) {
    throw bad_setting(study_, "measure.every", cell,
                      "measures more than " + std::to_string(kMaxMeasuredSteps) + " times in " + steps);
  }
}

}  // namespace

bool asks_for_orders(const Settings& cell) {
  return !cell.noise.orders.empty() && config::find_key("noise.orders")->acts.holds(cell);
}

std::string rows_hash(const std::vector<std::int64_t>& rows) { return sha256(join(rows, " ")); }

std::vector<CellFacts> survey_cells(const config::Study& study, const Sources& sources, Plan& plan,
                                    std::map<std::string, std::string>& init_hashes) {
  return Survey(study, sources, plan, init_hashes).take();
}

}  // namespace unroll::plan
