#include "facts.hpp"
#include "unroll/config/keys.hpp"

namespace unroll::plan {
namespace {

/// start: into Plan::pretrainings.
std::string pack_key(const Plan& plan, const std::vector<CellFacts>& facts, std::string_view kind, std::size_t cell,
                     std::size_t start) {
  return std::string(kind) + " data" + std::to_string(plan.description_of_cell[cell]) + ' ' + facts[cell].texts.model +
         plan.feature_fit(plan.pretrainings[start]);
}

/// A pack trains on one part of the data.
std::string shadow_part(const config::Settings& cell) { return config::find_key("prs.shadow")->canonical(cell); }

}  // namespace

std::int64_t num_trunk_lanes(const Plan& plan, const Tree& tree) {
  return plan.cells[tree.cell].noise.ulp && !tree.runs.empty() ? 2 : 1;
}

void add_items(Plan& plan, const std::vector<CellFacts>& facts) {
  std::vector<std::optional<std::size_t>> item_of_pretraining(plan.pretrainings.size());
  for (std::size_t i = 0; i < plan.pretrainings.size(); ++i) {
    if (plan.pretrainings[i].num_steps > 0) {
      item_of_pretraining[i] = plan.items.size();
      const bool is_shadow = plan.pretrainings[i].use == PretrainingUse::shadow;
      const std::size_t cell = plan.pretrainings[i].cell;
      const std::string kind = is_shadow ? "shadow " + shadow_part(plan.cells[cell]) : "pretraining";
      plan.items.push_back({ItemKind::pretraining, i, {}, {}, pack_key(plan, facts, kind, cell, i)});
    }
  }

  const auto start_of = [&](const Tree& tree) {
    const auto item = item_of_pretraining[tree.pretraining];
    return item ? std::vector<std::size_t>{*item} : std::vector<std::size_t>{};
  };
  const auto needs_of = [&](const Tree& tree) {
    std::vector<std::size_t> needs;
    for (const std::size_t pretraining : plan.pretrainings_of(tree)) {
      if (item_of_pretraining[pretraining]) {
        needs.push_back(*item_of_pretraining[pretraining]);
      }
    }
    return needs;
  };
  for (std::size_t i = 0; i < plan.trees.size(); ++i) {
    Tree& tree = plan.trees[i];
    for (Fork& fork : tree.forks) {
      if (plan.cells[fork.cell].forget.kind == config::ForgetKind::none) {
        fork.repeat = plan.items.size();
        const auto key = pack_key(plan, facts, "repeat", tree.cell, tree.pretraining);
        plan.items.push_back({ItemKind::repeat, i, start_of(tree), {}, key});
      }
    }
  }

  const std::size_t first_tree = plan.items.size();
  for (std::size_t i = 0; i < plan.trees.size(); ++i) {
    const Tree& tree = plan.trees[i];
    const std::string kind = tree.again > 0 ? "again" + std::to_string(tree.again) : "tree";
    Item item{ItemKind::tree, i, needs_of(tree), {}, pack_key(plan, facts, kind, tree.cell, tree.pretraining)};
    item.num_lanes = num_trunk_lanes(plan, tree);
    if (tree.again_of) {
      item.not_with = first_tree + *tree.again_of;
    }
    for (const Fork& fork : tree.forks) {
      if (fork.repeat) {
        item.depends.push_back(*fork.repeat);
        item.not_with = fork.repeat;
      } else {
        ++item.num_lanes;
      }
    }
    plan.items.push_back(std::move(item));
  }
}

}  // namespace unroll::plan
