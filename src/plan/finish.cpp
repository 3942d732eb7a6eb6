// What a plan needs once every run is resolved: that no two are the same, which runs a tree has, and its own id.
#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "facts.hpp"
#include "unroll/base/sha256.hpp"
#include "unroll/base/text.hpp"
#include "unroll/config/keys.hpp"

namespace unroll::plan {
namespace {

void check_runs_differ(const Plan& plan, const config::Study& study) {
  std::unordered_map<std::string_view, std::size_t> seen;
  seen.reserve(plan.runs.size());
  for (const Run& run : plan.runs) {
    const auto [first, is_new] = seen.emplace(run.id, run.cell);
    if (is_new) {
      continue;
    }
    const config::Settings& cell = plan.cells[run.cell];
    for (const config::Axis& axis : study.axes) {
      const auto& canonical = config::find_key(axis.key)->canonical;
      if (canonical(cell) != canonical(plan.cells[first->second])) {
        throw config::bad_setting(study, axis.key, cell,
                                  "makes the same run as the value " + printable(canonical(plan.cells[first->second])) +
                                      ": the same data, training, forget set and measures; keep one of them");
      }
    }
    throw config::bad_setting(study, "study.seeds", cell, "make the same run twice");
  }
}

void list_runs(Plan& plan) {
  for (std::size_t run = 0; run < plan.runs.size(); ++run) {
    plan.trees[plan.runs[run].tree].runs.push_back(run);
  }
}

/// How many M there would be with each pretrain.on: M is shared by all forget sets unless w_0 depends on them.
void count_originals(Plan& plan, const std::vector<CellFacts>& facts) {
  std::unordered_set<std::string> split, retain, all;
  for (std::size_t i = 0; i < plan.cells.size(); ++i) {
    const auto& texts = facts[i].texts;
    const config::ForgetKind kind = plan.cells[i].forget.kind;
    const bool has_rows =
        kind != config::ForgetKind::none && kind != config::ForgetKind::ghost && kind != config::ForgetKind::step;
    all.insert(texts.shared);
    split.insert(texts.shared + (kind == config::ForgetKind::class_ ? texts.forget : ""));
    retain.insert(texts.shared + (has_rows ? texts.forget : ""));
  }
  const std::int64_t num_seeds = std::ssize(plan.seeds);
  plan.totals.num_originals_split = std::ssize(split) * num_seeds;
  plan.totals.num_originals_retain = std::ssize(retain) * num_seeds;
  plan.totals.num_originals_all = std::ssize(all) * num_seeds;
}

std::string id_of(const Plan& plan, const config::Study& study, const std::map<std::string, std::string>& init_hashes) {
  Sha256 hash;
  hash.update("plan 1\n" + config::scientific_text(study));
  for (const auto& description : plan.descriptions) {
    hash.update("data " + description->content_hash + '\n');
  }
  for (const auto& [path, file_hash] : init_hashes) {
    hash.update("init " + path + ' ' + file_hash + '\n');
  }
  for (const auto& [path, table] : plan.order_tables) {
    hash.update("order " + path + ' ' + table->content_hash + '\n');
  }
  for (const auto& [path, rows] : plan.row_lists) {
    hash.update("rows " + path + ' ' + rows_hash(rows) + '\n');
  }
  return hash.hex_digest();
}

}  // namespace

void clamp_first_touches(Plan& plan) {
  for (Tree& tree : plan.trees) {
    for (Fork& fork : tree.forks) {
      fork.first_touch = std::min(fork.first_touch, tree.num_steps);
    }
  }
}

void finish_plan(Plan& plan, const std::vector<CellFacts>& facts, const config::Study& study,
                 const std::map<std::string, std::string>& init_hashes) {
  check_runs_differ(plan, study);
  list_runs(plan);
  count_originals(plan, facts);
  plan.id = id_of(plan, study, init_hashes);
}

}  // namespace unroll::plan
