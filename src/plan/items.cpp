#include "facts.hpp"

namespace unroll::plan {
namespace {

std::string pack_key(const Plan& plan, const std::vector<CellFacts>& facts, std::string_view kind, std::size_t cell) {
  return std::string(kind) + " data" + std::to_string(plan.description_of_cell[cell]) + ' ' + facts[cell].texts.model;
}

}  // namespace

void add_items(Plan& plan, const std::vector<CellFacts>& facts) {
  std::vector<std::optional<std::size_t>> item_of_pretraining(plan.pretrainings.size());
  for (std::size_t i = 0; i < plan.pretrainings.size(); ++i) {
    if (plan.pretrainings[i].num_steps > 0) {
      item_of_pretraining[i] = plan.items.size();
      plan.items.push_back(
          {ItemKind::pretraining, i, {}, {}, pack_key(plan, facts, "pretraining", plan.pretrainings[i].cell)});
    }
  }

  const auto start_of = [&](const Tree& tree) {
    const auto item = item_of_pretraining[tree.pretraining];
    return item ? std::vector<std::size_t>{*item} : std::vector<std::size_t>{};
  };
  for (std::size_t i = 0; i < plan.trees.size(); ++i) {
    Tree& tree = plan.trees[i];
    for (Fork& fork : tree.forks) {
      if (plan.cells[fork.cell].forget.kind == config::ForgetKind::none) {
        fork.repeat = plan.items.size();
        plan.items.push_back({ItemKind::repeat, i, start_of(tree), {}, pack_key(plan, facts, "repeat", tree.cell)});
      }
    }
  }

  for (std::size_t i = 0; i < plan.trees.size(); ++i) {
    const Tree& tree = plan.trees[i];
    Item item{ItemKind::tree, i, start_of(tree), {}, pack_key(plan, facts, "tree", tree.cell)};
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
