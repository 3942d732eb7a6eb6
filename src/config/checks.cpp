#include "checks.hpp"

#include <algorithm>
#include <unordered_map>

#include "unroll/base/text.hpp"

namespace unroll::config {
namespace {

const Entry* find_entry(const std::vector<Entry>& entries, std::string_view key) {
  const auto found = std::find_if(entries.begin(), entries.end(), [&](const Entry& e) { return e.key == key; });
  return found == entries.end() ? nullptr : &*found;
}

void check_not_both(const std::vector<Entry>& entries, std::string_view first, std::string_view second) {
  const Entry* a = find_entry(entries, first);
  const Entry* b = find_entry(entries, second);
  if (a != nullptr && b != nullptr) {
    throw bad_entry(*b, "cannot be set together with " + std::string(first) + " (" + a->place + "); keep one of them");
  }
}

/// A combination of settings that a cell must not have.
struct Fault {
  std::string_view key;  // the key to blame
  bool (*present)(const Settings& s);
  std::string_view message;
};

bool is_fresh(const Settings& s) {
  return find_key("retrain.kind")->acts.holds(s) && s.retrain.kind == RetrainKind::fresh;
}

constexpr Fault kFaults[] = {
    {"data.dataset", [](const Settings& s) { return s.data.dataset != Dataset::optdigits && s.data.path.empty(); },
     "needs data.path: the folder or file that holds it (only optdigits is built in)"},
    {"data.features",
     [](const Settings& s) {
       return s.data.dataset == Dataset::imdb && s.data.features == TextFeatures::tfidf &&
              s.pretrain.on == PretrainOn::none;
     },
     "is fitted on the rows that pretrain, and pretrain.on = none has none; take bow, or another pretrain.on"},
    {"order.kind", [](const Settings& s) { return s.order.kind == OrderKind::file && s.order.file.empty(); },
     "needs order.file"},
    {"train.schedule",
     [](const Settings& s) { return s.train.schedule == Schedule::step && s.train.schedule_every == 0; },
     "needs train.schedule_every: a whole number of steps >= 1"},
    {"forget.kind", [](const Settings& s) { return s.forget.kind == ForgetKind::file && s.forget.file.empty(); },
     "needs forget.file"},
    {"forget.index", [](const Settings& s) { return s.forget.kind == ForgetKind::step && s.forget.index.size() > 1; },
     "must be a single step with forget.kind = step; separate steps by commas to make several cells"},
    {"retrain.kind",
     [](const Settings& s) { return s.retrain.kind == RetrainKind::fresh && s.order.kind == OrderKind::file; },
     "cannot be fresh with order.kind = file: a table of batches cannot be batched anew"},
    {"unlearn.method", [](const Settings& s) { return s.unlearn.method == UnlearnMethod::first_order && is_fresh(s); },
     "cannot be first-order with retrain.kind = fresh: M' takes other batches than M, so there is no step of M to "
     "linearise at; set retrain.kind = coupled"},
    {"unlearn.correction",
     [](const Settings& s) {
       return find_key("unlearn.correction")->acts.holds(s) && s.unlearn.correction == Correction::exact && is_fresh(s);
     },
     "cannot be exact with retrain.kind = fresh: the factor is that of a step which M' takes without F; set "
     "retrain.kind = coupled"},
    {"run.threads",
     [](const Settings& s) { return s.run.threads > 1 && (s.model.arch == Arch::linear || s.model.arch == Arch::mlp); },
     "must be 1 with model.arch = linear or mlp, which train on one thread; use more ranks instead"},
    {"model.batchnorm",
     [](const Settings& s) {
       return find_key("model.batchnorm")->acts.holds(s) && s.model.batchnorm == BatchNormMode::frozen &&
              s.pretrain.on == PretrainOn::none && s.init.file.empty();
     },
     "cannot be frozen where w_0 has no statistics: set init.file, or pretrain.on to split, retain or all"},
};

/// What tells two cells apart: the values of the axes that act.
std::string acting_values(const Study& study, const Settings& cell) {
  std::string text;
  for (const Axis& axis : study.axes) {
    const Key& key = *find_key(axis.key);
    text += key.acts.holds(cell) ? key.canonical(cell) : "";
    text += '\n';
  }
  return text;
}

[[noreturn]] void refuse_equal_cells(const Study& study, const Settings& first, const Settings& second) {
  for (const Axis& axis : study.axes) {
    const Key& key = *find_key(axis.key);
    if (key.canonical(first) != key.canonical(second)) {
      throw bad_setting(study, axis.key, second,
                        "changes nothing in a cell that has the value " + printable(key.canonical(first)) +
                            " too (it acts only with " + std::string(key.acts.text) +
                            "): drop one of the two with study.exclude");
    }
  }
  throw Error("two equal cells without an axis");
}

}  // namespace

void check_alternatives(const std::vector<Entry>& entries) {
  check_not_both(entries, "train.epochs", "train.steps");
  check_not_both(entries, "measure.every", "measure.steps");
}

void check_nothing_ignored(const std::vector<Entry>& entries, const std::vector<Settings>& cells) {
  for (const Entry& entry : entries) {
    const Key* key = find_key(entry.key);
    if (key != nullptr && std::none_of(cells.begin(), cells.end(), key->acts.holds)) {
      throw bad_entry(
          entry, "would be ignored: it acts only with " + std::string(key->acts.text) + "; remove it or change that");
    }
  }
}

void check_requirements(const Study& study) {
  for (const Settings& cell : study.cells) {
    for (const Fault& fault : kFaults) {
      if (fault.present(cell)) {
        throw bad_setting(study, fault.key, cell, fault.message);
      }
    }
  }
}

void check_cells_differ(const Study& study) {
  std::unordered_map<std::string, const Settings*> seen;
  for (const Settings& cell : study.cells) {
    const auto [first, is_new] = seen.emplace(acting_values(study, cell), &cell);
    if (!is_new) {
      refuse_equal_cells(study, *first->second, cell);
    }
  }
}

}  // namespace unroll::config
