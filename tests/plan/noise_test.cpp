// Comparison groups: who is in them, what is shared, and that runs do not notice.
#include <algorithm>
#include <set>

#include "fakes.hpp"
#include "support/catch.hpp"
#include "unroll/plan/attempt.hpp"

namespace unroll::plan {
namespace {

std::vector<const Model*> models_of(const Plan& plan, const Group& group, MemberKind kind) {
  std::vector<const Model*> models;
  for (const Member& member : group.members) {
    if (member.kind == kind) {
      models.push_back(&plan.models[member.model]);
    }
  }
  return models;
}

std::vector<std::string> run_ids(const Plan& plan) {
  std::vector<std::string> ids;
  for (const Run& run : plan.runs) {
    ids.push_back(run.id + plan.trees[run.tree].id +
                  fork_of(plan, static_cast<std::size_t>(&run - plan.runs.data())).id);
  }
  return ids;
}

/// Rows that an M' draws over one epoch of its order.
std::set<std::int64_t> rows_drawn(const Plan& plan, const Tree& tree, const Fork& fork) {
  std::set<std::int64_t> rows;
  const Order order = plan.order_of(tree);
  for (std::int64_t step = 0; step < order.steps_per_epoch(); ++step) {
    const auto batch = order.batch(step);
    rows.insert(batch.begin(), batch.end());
  }
  for (const std::int64_t row : plan.forget_sets[fork.forget_set].rows) {
    rows.erase(row);
  }
  return rows;
}

const std::string kAll = " noise.ulp=yes noise.repeats=2 noise.orders=0,5,6 noise.inits=0..2";

TEST_CASE("runs, trees and forks of a study have the same ids with and without noise floors") {
  for (const std::string kind : {"forget.kind=batch", "forget.kind=step", "forget.kind=examples", "forget.kind=class",
                                 "forget.kind=none", "forget.kind=ghost", "forget.kind=file forget.file=rows.h5"}) {
    for (const std::string order : {"", " order.kind=shuffled"}) {
      CAPTURE(kind, order);
      const std::string cell = kind + order + " pretrain.on=all";

      const Plan with = plan_with({cell + kAll}, {0, 1}), without = plan_with({cell}, {0, 1});

      CHECK(run_ids(with) == run_ids(without));
      CHECK(without.groups.empty());
      CHECK(without.models.empty());
      CHECK(with.groups.size() == 2);
      CHECK(with.id != without.id);
      for (std::size_t tree = 0; tree < without.trees.size(); ++tree) {
        CHECK(with.trees[tree].id == without.trees[tree].id);
      }
    }
  }
}

TEST_CASE("a group holds M'', M' and every retrain once, and its own order and w_0 are M' itself") {
  const Plan plan = plan_with({"order.kind=shuffled" + kAll}, {0});
  const Group& group = plan.groups.at(0);

  CHECK(models_of(plan, group, MemberKind::unlearned).at(0)->id == plan.runs[0].id);
  CHECK(models_of(plan, group, MemberKind::retrained).at(0)->id == fork_of(plan, 0).id);
  CHECK(models_of(plan, group, MemberKind::repeat).size() == 2);
  CHECK(models_of(plan, group, MemberKind::order).size() == 2);  // 0 is the run's own
  CHECK(models_of(plan, group, MemberKind::init).size() == 2);
  std::set<std::size_t> members;
  for (const Member& member : group.members) {
    CHECK(members.insert(member.model).second);
  }
}

TEST_CASE("in another order the examples of a batch and of a step leave wherever they occur") {
  for (const std::string kind : {"batch", "step"}) {
    for (const std::string order : {"fixed", "shuffled"}) {
      CAPTURE(kind, order);
      const Plan plan = plan_with(
          {"forget.kind=" + kind + " forget.index=2 train.epochs=2 order.kind=" + order + " noise.orders=7,8"});
      const auto forgotten = plan.order_of(tree_of(plan, 0)).batch(2);

      for (const Model* model : models_of(plan, plan.groups.at(0), MemberKind::order)) {
        const Tree& tree = plan.trees[model->tree];
        const Fork& fork = tree.forks.at(model->fork.value());
        const auto drawn = rows_drawn(plan, tree, fork);
        CHECK(tree.pretraining == tree_of(plan, 0).pretraining);
        CHECK(plan.order_of(tree).batch(0) != plan.order_of(tree_of(plan, 0)).batch(0));
        CHECK(std::none_of(forgotten.begin(), forgotten.end(), [&](std::int64_t row) { return drawn.contains(row); }));
        CHECK(drawn.size() + forgotten.size() == plan.finetune_rows(tree)->size());
        CHECK_FALSE(plan.forget_sets[fork.forget_set].skipped_step.has_value());
      }
    }
  }
}

TEST_CASE("the retrains of many forget sets in one order are forks of one tree") {
  const Plan plan = plan_with(
      {"forget.index=0 noise.orders=7,8", "forget.index=1 noise.orders=7,8", "forget.index=2 noise.orders=7,8"});

  CHECK(plan.trees.size() == 3);  // M, and M in two orders
  CHECK(plan.trees[1].forks.size() == 3);
  CHECK(plan.trees[1].runs.empty());
}

TEST_CASE("a retrain that another seed of the study trains anyway is its fork") {
  const std::string cell = "pretrain.on=all forget.kind=class order.kind=shuffled seed.init=0 seed.pretrain_order=0";
  const Plan with = plan_with({cell + " noise.orders=0..2"}, {0, 1, 2}), without = plan_with({cell}, {0, 1, 2});

  CHECK(with.trees.size() == without.trees.size());
  CHECK(with.totals.model_steps_trained == without.totals.model_steps_trained);
}

TEST_CASE("another w_0 is another initialisation, pretrained on the same rows in the same order") {
  const Plan plan = plan_with({"noise.inits=4"});
  const Tree& tree = plan.trees[models_of(plan, plan.groups.at(0), MemberKind::init).at(0)->tree];
  const Pretraining& own = plan.pretrainings[tree_of(plan, 0).pretraining];
  const Pretraining& other = plan.pretrainings[tree.pretraining];

  CHECK(other.id != own.id);
  CHECK(other.num_steps == own.num_steps);
  CHECK(*plan.pretrain_rows(other) == *plan.pretrain_rows(own));
  CHECK(plan.order_of(other).batch(0) == plan.order_of(own).batch(0));
  CHECK(plan.order_of(tree).batch(0) == plan.order_of(tree_of(plan, 0)).batch(0));
}

TEST_CASE("repeats train in other packs and, where there is one, on another rank") {
  const Plan plan = plan_with({"noise.repeats=2"});
  std::set<std::string> packs;
  for (const Item& item : plan.items) {
    if (item.kind == ItemKind::tree) {
      CHECK(packs.insert(item.pack_key).second);
      CHECK(item.not_with.has_value() == (plan.trees[item.index].again > 0));
    }
  }
  CHECK(packs.size() == 3);
}

TEST_CASE("the controls compare M in every order with M trained again") {
  const Plan plan =
      plan_with({"forget.kind=none noise.orders=5,6 noise.repeats=1", "forget.kind=ghost noise.orders=5,6"});
  for (const Group& group : plan.groups) {
    CHECK(models_of(plan, group, MemberKind::order).size() == 2);
    for (const Model* model : models_of(plan, group, MemberKind::order)) {
      CHECK_FALSE(model->fork.has_value());
    }
  }
}

TEST_CASE("groups compare the last measured step, or every one") {
  CHECK(plan_with({"measure.steps=2,4 noise.repeats=1"}).groups.at(0).steps == std::vector<std::int64_t>{4});
  const Plan plan = plan_with({"measure.steps=2,4 noise.repeats=1 noise.at=measured"});
  CHECK(plan.groups.at(0).steps == std::vector<std::int64_t>{2, 4});
  CHECK(plan.models.at(0).steps == std::vector<std::int64_t>{2, 4});
}

TEST_CASE("an attempt trains what weights are missing, and not what is kept") {
  const Plan plan = plan_with({"noise.orders=5,6"});
  Finished finished{std::vector<bool>(plan.runs.size(), true), std::vector<bool>(plan.items.size(), true),
                    std::vector<bool>(plan.models.size(), true)};
  const auto trees_left = [&] {
    const Attempt attempt = make_attempt(plan, finished, 2);
    return std::count(attempt.done.begin(), attempt.done.end(), false);
  };

  CHECK(trees_left() == 0);
  for (std::size_t model = 0; model < plan.models.size(); ++model) {
    finished.models[model] = false;
    CHECK(trees_left() == 1);
    finished.models[model] = true;
  }
}

TEST_CASE("a step whose examples are all there are cannot be forgotten in another order") {
  const std::string text =
      refusal_of([] { (void)plan_with({"forget.kind=step pretrain.on=none train.batch=64 noise.orders=5"}); });

  CHECK(text.find("noise.orders = 5") != std::string::npos);
  CHECK(text.find("use a smaller train.batch") != std::string::npos);
}

TEST_CASE("the plan counts the weights that wait for their groups") {
  const Plan plan = plan_with({"noise.orders=5,6 model.dtype=float64"});
  const auto num_parameters =
      model_size(plan.cells[0].model, plan.description(0).shape, plan.description(0).num_classes).num_parameters;

  CHECK(plan.models.size() == 4);
  CHECK(plan.totals.kept_weights_bytes == 4.0 * 8 * static_cast<double>(num_parameters));
  CHECK(plan.totals.disk_bytes > plan.totals.kept_weights_bytes);
  CHECK(plan.totals.comparison_bytes == 2.0 * 8 * 4.0 * static_cast<double>(num_parameters));
  CHECK(plan.totals.checkpoint_bytes > 0);
  CHECK(plan_with({"run.checkpoint=0"}).totals.checkpoint_bytes == 0);
  CHECK(plan.totals.comparison_s > 0);
  CHECK(plan.totals.cost_s > plan.totals.comparison_s);
}

TEST_CASE("M in another order is trained until its last M' leaves it") {
  const Plan plan = plan_with({"forget.index=0 noise.orders=5", "forget.index=1 noise.orders=5"});
  const Tree& other = plan.trees.at(1);

  CHECK(plan.trunk_steps(plan.trees[0]) == plan.trees[0].num_steps);
  CHECK(plan.trunk_steps(other) == std::max(other.forks[0].first_touch, other.forks[1].first_touch));
}

}  // namespace
}  // namespace unroll::plan
