#pragma once
// Data, files and studies that exist only in memory.
#include <algorithm>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "unroll/base/error.hpp"
#include "unroll/base/text.hpp"
#include "unroll/config/keys.hpp"
#include "unroll/plan/plan.hpp"

namespace unroll::plan {

/// num_train rows of 4 numbers; the labels go round the classes.
inline dataset::Description fake_description(std::int64_t num_train = 40, std::int64_t num_classes = 4) {
  dataset::Description data;
  data.name = "fake";
  data.num_train = num_train;
  data.num_test = 10;
  data.num_classes = num_classes;
  data.shape = {4};
  for (std::int64_t row = 0; row < num_train; ++row) {
    data.train_labels.push_back(static_cast<std::int32_t>(row % num_classes));
  }
  data.test_labels.assign(10, 0);
  data.content_hash = "hash of " + std::to_string(num_train) + " rows";
  return data;
}

inline Sources fake_sources(dataset::Description data = fake_description()) {
  Sources sources;
  sources.describe = [data](const config::Settings::Data& settings) {
    auto described = data;
    if (settings.train_size) {
      described = fake_description(*settings.train_size, data.num_classes);
    }
    return described;
  };
  sources.order_file = [](const std::string& path, std::int64_t) -> dataset::OrderTable {
    return {{{3, 1, 2}, {2, 9}, {7}}, "hash of " + path};
  };
  sources.rows_file = [](const std::string&, std::int64_t) { return std::vector<std::int64_t>{2, 7}; };
  sources.file_hash = [](const std::string& path) { return "hash of " + path; };
  return sources;
}

/// "train.lr=0.1 forget.index=[3 4]" applied to the defaults (one epoch, small batches, no curvature).
inline config::Settings cell_of(const std::string& settings) {
  config::Settings cell;
  cell.train.epochs = 1;
  cell.train.batch = 4;
  cell.pretrain.batch = 4;
  cell.pretrain.epochs = 2;
  cell.model.hidden = {3};
  std::string_view rest = trim(settings);
  while (!rest.empty()) {
    const auto equals = rest.find('='), bracket = rest.find('['), blank = rest.find(' ');
    const auto end = bracket < blank ? rest.find(']') + 1 : std::min(blank, rest.size());
    const config::Key* key = config::find_key(rest.substr(0, equals));
    if (key == nullptr) {
      throw std::logic_error("no key in " + std::string(rest));
    }
    key->read(rest.substr(equals + 1, end - equals - 1), cell);
    if (key->name == "train.steps") {
      cell.train.epochs.reset();
    }
    rest = trim(rest.substr(end));
  }
  return cell;
}

inline config::Study study_with(const std::vector<std::string>& cells, std::vector<std::int64_t> seeds = {0}) {
  config::Study study{"test", "test.ini", std::move(seeds), {}, {}, {}};
  for (const std::string& cell : cells) {
    study.cells.push_back(cell_of(cell));
  }
  return study;
}

inline Plan plan_with(const std::vector<std::string>& cells, std::vector<std::int64_t> seeds = {0}) {
  return make_plan(study_with(cells, std::move(seeds)), fake_sources());
}

/// The message of the UsageError; "" when none is thrown.
inline std::string refusal_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

inline const ForgetSet& forget_set_of(const Plan& plan, std::size_t run) {
  return plan.forget_sets[plan.trees[plan.runs[run].tree].forks[plan.runs[run].fork].forget_set];
}
inline const Tree& tree_of(const Plan& plan, std::size_t run) { return plan.trees[plan.runs[run].tree]; }
inline const Fork& fork_of(const Plan& plan, std::size_t run) { return tree_of(plan, run).forks[plan.runs[run].fork]; }

}  // namespace unroll::plan
