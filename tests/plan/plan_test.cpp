#include "unroll/plan/plan.hpp"

#include <algorithm>
#include <set>

#include "fakes.hpp"
#include "support/catch.hpp"
#include "unroll/plan/chunk.hpp"

using namespace unroll;
using namespace unroll::plan;
using Steps = std::vector<std::int64_t>;

TEST_CASE("the split is frozen, disjoint and complete") {
  const Plan plan = make_plan(study_with({"pretrain.fraction=0.5"}), fake_sources(fake_description(10, 2)));

  CHECK(*plan.pretrain_rows(plan.pretrainings[0]) == Steps{2, 5, 6, 7, 9});
  CHECK(*plan.finetune_rows(plan.trees[0]) == Steps{0, 1, 3, 4, 8});
  CHECK(plan.pretrainings[0].num_steps == 2 * 2);
}

TEST_CASE("retain pretrains on all rows but F, all on every row, none on nothing") {
  const Plan plan = plan_with({"pretrain.on=retain forget.index=2", "pretrain.on=all", "pretrain.on=none"});

  CHECK(forget_set_of(plan, 0).rows == Steps{8, 9, 10, 11});
  const auto retained = plan.pretrain_rows(plan.pretrainings[tree_of(plan, 0).pretraining]);
  CHECK(retained->size() == 36);
  CHECK(std::find(retained->begin(), retained->end(), 9) == retained->end());
  CHECK(plan.pretrain_rows(plan.pretrainings[tree_of(plan, 1).pretraining])->size() == 40);
  CHECK(plan.pretrainings[tree_of(plan, 2).pretraining].num_steps == 0);
  for (std::size_t run = 0; run < 3; ++run) {
    CHECK(plan.finetune_rows(tree_of(plan, run))->size() == 40);
  }
}

TEST_CASE("a pretraining without steps is no item and its tree depends on nothing") {
  const Plan plan = plan_with({"pretrain.on=none"});

  REQUIRE(plan.items.size() == 1);
  CHECK(plan.items[0].kind == ItemKind::tree);
  CHECK(plan.items[0].depends.empty());
}

TEST_CASE("a batch is what M draws at that step of epoch 0, in any order") {
  for (const std::string order : {"fixed", "shuffled"}) {
    const Plan plan =
        plan_with({"order.kind=" + order + " forget.index=3", "order.kind=" + order + " forget.index=[0 4]"});
    const Order drawn = plan.order_of(plan.trees[0]);
    auto third = drawn.batch(3);
    std::sort(third.begin(), third.end());
    auto two = drawn.batch(0);
    const auto fourth = drawn.batch(4);
    two.insert(two.end(), fourth.begin(), fourth.end());
    std::sort(two.begin(), two.end());

    CHECK(forget_set_of(plan, 0).rows == third);
    CHECK(fork_of(plan, 0).first_touch == 3);
    CHECK(forget_set_of(plan, 1).rows == two);
    CHECK(fork_of(plan, 1).first_touch == 0);
  }
}

TEST_CASE("a batch of a table is the table's row, and first touch is the first step that draws any of it") {
  const Plan plan = plan_with({"pretrain.on=none order.kind=file order.file=o.h5 forget.index=1"});

  CHECK(forget_set_of(plan, 0).rows == Steps{2, 9});
  CHECK(fork_of(plan, 0).first_touch == 0);
  CHECK(tree_of(plan, 0).num_steps == 3);
}

TEST_CASE("examples are positions in the fine-tuning part, classes its rows with that label") {
  const Plan plan =
      plan_with({"forget.kind=examples forget.index=[1 17] forget.count=3", "forget.kind=class forget.index=2",
                 "forget.kind=examples forget.index=[0 1] forget.count=2"});
  const Steps rows = *plan.finetune_rows(tree_of(plan, 0));

  CHECK(forget_set_of(plan, 0).rows == Steps{rows[1], rows[2], rows[3], rows[17], rows[18], rows[19]});
  for (const std::int64_t row : rows) {
    const auto& forgotten = forget_set_of(plan, 1).rows;
    CHECK(std::binary_search(forgotten.begin(), forgotten.end(), row) == (row % 4 == 2));
  }
  CHECK(forget_set_of(plan, 2).rows == Steps{rows[0], rows[1], rows[2]});
}

TEST_CASE("the split drops the forgotten classes from pretraining and keeps them in fine-tuning") {
  const Plan plan = plan_with({"forget.kind=class forget.index=[1 2]"});

  const Steps pretrain = *plan.pretrain_rows(plan.pretrainings[0]);
  for (const std::int64_t row : pretrain) {
    CHECK((row % 4 != 1 && row % 4 != 2));
  }
  const auto finetune = plan.finetune_rows(plan.trees[0]);
  CHECK(std::count_if(finetune->begin(), finetune->end(), [](std::int64_t row) { return row % 4 == 1; }) > 0);
  CHECK(finetune->size() == 20);
}

TEST_CASE("a file lists rows of the data set") {
  const Plan plan = plan_with({"pretrain.on=retain forget.kind=file forget.file=f.h5"});

  CHECK(forget_set_of(plan, 0).rows == Steps{2, 7});
  CHECK(fork_of(plan, 0).first_touch == 0);
}

TEST_CASE("a step skips one step and forgets no row") {
  const Plan plan = plan_with({"forget.kind=step forget.index=3 train.epochs=2"});

  CHECK(forget_set_of(plan, 0).rows.empty());
  CHECK(forget_set_of(plan, 0).skipped_step == 3);
  CHECK(fork_of(plan, 0).first_touch == 3);
}

TEST_CASE("none trains M again as an item that the tree waits for on another rank") {
  const Plan plan = plan_with({"forget.kind=none"});

  REQUIRE(plan.items.size() == 3);
  CHECK(plan.items[0].kind == ItemKind::pretraining);
  CHECK(plan.items[1].kind == ItemKind::repeat);
  CHECK(plan.items[1].depends == std::vector<std::size_t>{0});
  CHECK(plan.items[2].depends == std::vector<std::size_t>{0, 1});
  CHECK(plan.items[2].not_with == 1u);
  CHECK(plan.items[2].num_lanes == 1);
  CHECK(plan.items[1].pack_key != plan.items[2].pack_key);
  CHECK(fork_of(plan, 0).repeat == 1u);
  CHECK(fork_of(plan, 0).first_touch == tree_of(plan, 0).num_steps);
}

TEST_CASE("ghost is a fork beside M that never departs from it") {
  const Plan plan = plan_with({"forget.kind=ghost forget.count=5"});

  CHECK(forget_set_of(plan, 0).num_ghosts == 5);
  CHECK(fork_of(plan, 0).first_touch == tree_of(plan, 0).num_steps);
  CHECK_FALSE(fork_of(plan, 0).repeat);
  CHECK(plan.items.back().num_lanes == 2);
  CHECK(plan.totals.model_steps_trained == plan.pretrainings[0].num_steps + 2 * tree_of(plan, 0).num_steps);
}

TEST_CASE("a fresh retrain departs at once and batches the rows that are left") {
  const Plan plan = plan_with({"order.kind=shuffled retrain.kind=fresh forget.index=2"});
  const Order fresh = plan.order_of(plan.trees[0], plan.trees[0].forks[0]);

  CHECK(fork_of(plan, 0).first_touch == 0);
  CHECK(fresh.steps_per_epoch() == 4);
  std::set<std::int64_t> drawn;
  for (std::int64_t step = 0; step < 4; ++step) {
    const auto batch = fresh.batch(step);
    CHECK(batch.size() == 4);
    drawn.insert(batch.begin(), batch.end());
  }
  for (const std::int64_t row : forget_set_of(plan, 0).rows) {
    CHECK_FALSE(drawn.contains(row));
  }
  CHECK(drawn.size() == 16);
}

TEST_CASE("forget sets of one M share its tree and its pretraining") {
  const Plan plan = plan_with({"forget.index=0", "forget.index=1", "forget.index=2", "forget.kind=none"}, {0, 1});

  CHECK(plan.trees.size() == 2);
  CHECK(plan.pretrainings.size() == 2);
  CHECK(plan.trees[0].forks.size() == 4);
  CHECK(plan.trees[0].runs == std::vector<std::size_t>{0, 2, 4, 6});
  CHECK(plan.totals.num_originals_split == 2);
  CHECK(plan.totals.num_originals_retain == 8);
  CHECK(plan.totals.num_originals_all == 2);
}

TEST_CASE("runs that differ in method or measures share M'") {
  const Plan plan = plan_with({"unlearn.rule=epoch-scaled", "unlearn.rule=final-weights", "measure.sigma=none"});

  CHECK(plan.trees.size() == 1);
  CHECK(plan.trees[0].forks.size() == 1);
  CHECK(std::set<std::string>{plan.runs[0].id, plan.runs[1].id, plan.runs[2].id}.size() == 3);
}

TEST_CASE("methods are an axis that trains nothing: runs of all of them share M and M'") {
  const std::string momentum = "train.momentum=0.9 ";
  const Plan one = plan_with({momentum + "unlearn.method=single-gradient"}, {0, 1});
  const Plan all = plan_with({momentum + "unlearn.method=single-gradient", momentum + "unlearn.method=first-order",
                              momentum + "unlearn.method=none", momentum + "unlearn.correction=exact"},
                             {0, 1});

  CHECK(all.trees.size() == 2);
  CHECK(all.trees[0].forks.size() == 1);
  CHECK(all.trees[0].id == one.trees[0].id);
  CHECK(all.trees[0].forks[0].id == one.trees[0].forks[0].id);
  CHECK(all.totals.model_steps_trained == one.totals.model_steps_trained);
  CHECK(all.totals.model_steps_asked == 4 * one.totals.model_steps_asked);
  std::set<std::string> ids;
  for (const auto& run : all.runs) {
    ids.insert(run.id);
  }
  CHECK(ids.size() == 8);
}

TEST_CASE("the first-order method costs a product and a gradient at each step after F is met, once a fork") {
  const auto flop_of = [](const std::vector<std::string>& cells) { return plan_with(cells).totals.flop; };
  const double none = flop_of({"unlearn.method=none"}), early = flop_of({"unlearn.method=first-order"});
  const double late = flop_of({"unlearn.method=first-order forget.index=3"});
  const double late_none = flop_of({"unlearn.method=none forget.index=3"});

  CHECK(early > none);
  CHECK(early - none == Approx(4 * (late - late_none)));  // 5 steps: 4 after step 0, 1 after step 3
  const double twice = flop_of({"unlearn.method=first-order", "unlearn.method=first-order measure.sigma=none"});
  const double twice_none = flop_of({"unlearn.method=none", "unlearn.method=none measure.sigma=none"});
  CHECK(twice - twice_none == Approx(early - none));
  CHECK(flop_of({"unlearn.method=first-order forget.kind=none"}) ==
        Approx(flop_of({"unlearn.method=none forget.kind=none"})));
}

TEST_CASE("a longer training is the same M trained further, unless the schedule knows its end") {
  const Plan constant = plan_with({"train.epochs=1", "train.epochs=3"});
  const Plan cosine = plan_with({"train.schedule=cosine train.epochs=1", "train.schedule=cosine train.epochs=3"});

  REQUIRE(constant.trees.size() == 1);
  CHECK(constant.trees[0].num_steps == 15);
  CHECK(constant.trees[0].forks.size() == 1);
  CHECK(cosine.trees.size() == 2);
  CHECK(cosine.trees[0].schedule_steps == 5);
  CHECK(cosine.trees[1].schedule_steps == 15);
}

TEST_CASE("M is trained no further than it is measured, and keeps the whole schedule") {
  const Plan plan = plan_with({"train.schedule=cosine train.epochs=3 measure.steps=4,2"});

  CHECK(plan.trees[0].num_steps == 4);
  CHECK(plan.trees[0].schedule_steps == 15);
  CHECK(plan.measured_steps(plan.runs[0]) == Steps{2, 4});
}

TEST_CASE("measure.every means its multiples and the end, and the default the end alone") {
  const Plan plan = plan_with({"measure.every=2", "measure.every=5", "train.lr=1"});

  CHECK(plan.measured_steps(plan.runs[0]) == Steps{2, 4, 5});
  CHECK(plan.measured_steps(plan.runs[1]) == Steps{5});
  CHECK(plan.measured_steps(plan.runs[2]) == Steps{5});
}

TEST_CASE("only seeds that act enter ids") {
  const auto tree_id = [](const std::string& cell) { return plan_with({cell}).trees[0].id; };

  CHECK(tree_id("") == tree_id("seed.order=9"));
  CHECK(tree_id("order.kind=shuffled") != tree_id("order.kind=shuffled seed.order=9"));
  CHECK(tree_id("") != tree_id("seed.split=9"));
  CHECK(tree_id("pretrain.on=all") == tree_id("pretrain.on=all seed.split=9"));
  CHECK(tree_id("pretrain.on=none") == tree_id("pretrain.on=none seed.pretrain_order=9"));
  CHECK(tree_id("pretrain.on=all") != tree_id("pretrain.on=all seed.pretrain_order=9"));
  CHECK(tree_id("") != tree_id("seed.init=9"));
  CHECK(tree_id("init.file=w.h5") == tree_id("init.file=w.h5 seed.init=9"));
  CHECK(tree_id("") == tree_id("seed.eval=9"));
  CHECK(plan_with({""}).runs[0].id != plan_with({"seed.eval=9"}).runs[0].id);
}

TEST_CASE("what acts on M changes its id, what does not leaves it") {
  const std::string base = plan_with({""}).trees[0].id;

  for (const std::string changed :
       {"train.lr=0.02", "train.batch=5", "train.momentum=0.9", "train.weight_decay=0.1", "train.schedule=cosine",
        "loss.kind=sd", "loss.kind=hess", "order.kind=shuffled", "pretrain.on=all", "pretrain.lr=1",
        "pretrain.fraction=0.25", "model.hidden=5", "model.activation=tanh", "model.dtype=float64", "run.threads=2",
        "data.mean=1", "data.train_size=30", "init.file=w.h5"}) {
    CHECK(plan_with({changed}).trees[0].id != base);
  }
  for (const std::string same :
       {"forget.index=2", "forget.kind=none", "forget.kind=ghost", "retrain.skip=coast", "retrain.kind=fresh",
        "unlearn.rule=grad-list", "measure.steps=1", "measure.sigma=none", "output.weights=final", "run.lanes=3",
        "train.epochs=2", "train.steps=3", "loss.gamma=1", "train.schedule_factor=0.5", "loss.gamma_decay=2",
        "unlearn.gradient_of=last:2"}) {
    CHECK(plan_with({same}).trees[0].id == base);
  }
  const auto tree_id = [](const std::string& cell) { return plan_with({cell}).trees[0].id; };
  const std::string sd = "loss.kind=sd loss.gamma=5 ";
  CHECK(tree_id(sd) != tree_id(sd + "loss.sd=mean"));
  CHECK(tree_id(sd) != tree_id(sd + "loss.gamma_decay=2"));
  CHECK(tree_id(sd) == tree_id(sd + "loss.gamma_decay_every=3"));
  auto images = fake_description();
  images.shape = {3, 32, 32};
  const auto resnet_id = [&](const std::string& cell) {
    return make_plan(study_with({"model.arch=resnet18 " + cell}), fake_sources(images)).trees[0].id;
  };
  CHECK(resnet_id("") != resnet_id("model.batchnorm=eval-after"));
  CHECK(resnet_id("") == resnet_id("model.batchnorm_steps=2"));
  CHECK(resnet_id("model.batchnorm=eval-after") != resnet_id("model.batchnorm=eval-after model.batchnorm_steps=2"));
}

TEST_CASE("retrain settings name another M', except for the control none") {
  const auto fork_id = [](const std::string& cell) { return plan_with({cell}).trees[0].forks[0].id; };
  const std::string examples = "forget.kind=examples forget.index=0 ";

  CHECK(fork_id(examples) != fork_id(examples + "retrain.skip=coast"));
  CHECK(fork_id(examples) != fork_id(examples + "retrain.denominator=batch"));
  CHECK(fork_id("") == fork_id("retrain.denominator=batch"));  // whole batches in a fixed order
  CHECK(fork_id("forget.kind=none") == fork_id("forget.kind=none retrain.skip=coast"));
  CHECK(fork_id("forget.kind=none") != fork_id("forget.kind=ghost"));
}

TEST_CASE("L2 in the loss shares M, whose steps are the same, and nothing behind it") {
  const Plan plan = plan_with({"train.weight_decay=0.1", "train.weight_decay=0.1 train.l2_in=loss"});

  CHECK(plan.trees.size() == 1);
  CHECK(plan.runs[0].fork != plan.runs[1].fork);
  CHECK(plan.runs[0].id != plan.runs[1].id);
}

TEST_CASE("gamma does not decay in pretraining, so it trains the same w_0") {
  const std::string sd = "pretrain.loss=train loss.kind=sd loss.gamma=5 ";
  const Plan plan = plan_with({sd, sd + "loss.gamma_decay=2", sd + "loss.sd=mean"});

  CHECK(plan.pretrainings.size() == 2);
  CHECK(plan.trees.size() == 3);
}

TEST_CASE("the gradient of more rows than there are is refused") {
  CHECK_THROWS_WITH(
      plan_with({"unlearn.gradient_of=last:21"}),
      Catch::Contains("unlearn.gradient_of = last:21 (default): takes more rows than the 20 of the fine-tuning"));
  CHECK_NOTHROW(plan_with({"unlearn.gradient_of=last:20"}));
}

TEST_CASE("a retrain setting that acts in other cells only never reaches the trainer") {
  const Plan plan = plan_with({"retrain.kind=fresh", "retrain.kind=fresh forget.kind=step",
                               "retrain.kind=fresh retrain.skip=coast retrain.denominator=batch forget.index=1"});

  CHECK(plan.cells[0].retrain.kind == config::RetrainKind::fresh);
  CHECK(plan.cells[1].retrain.kind == config::RetrainKind::coupled);
  CHECK(plan.cells[2].retrain.kind == config::RetrainKind::fresh);
  CHECK(plan.cells[2].retrain.skip == config::Skip::freeze);
  CHECK(plan.cells[2].retrain.denominator == config::Denominator::left);
}

TEST_CASE("ids are the same each time and follow the seeds") {
  const Plan plan = plan_with({"order.kind=shuffled"});

  CHECK(plan.trees[0].id.size() == 64);
  CHECK(plan.trees[0].id == plan_with({"order.kind=shuffled"}).trees[0].id);
  CHECK(plan.id == plan_with({"order.kind=shuffled"}).id);
  CHECK(plan.id != plan_with({"order.kind=shuffled"}, {1}).id);
}

TEST_CASE("each distinct data set and file is asked for once") {
  int num_described = 0, num_tables = 0, num_lists = 0, num_hashes = 0;
  Sources sources = fake_sources();
  const Sources inner = sources;
  sources.describe = [&](const auto& data) { return ++num_described, inner.describe(data); };
  sources.order_file = [&](const auto& path, auto n) { return ++num_tables, inner.order_file(path, n); };
  sources.rows_file = [&](const auto& path, auto n) { return ++num_lists, inner.rows_file(path, n); };
  sources.file_hash = [&](const auto& path) { return ++num_hashes, inner.file_hash(path); };
  const std::string common =
      "pretrain.on=none init.file=w.h5 order.kind=file order.file=o.h5 forget.kind=file forget.file=f.h5 ";

  const Plan plan = make_plan(study_with({common, common + "train.lr=1", common + "data.train_size=20"}), sources);

  CHECK(num_described == 2);
  CHECK(num_tables == 1);
  CHECK(num_lists == 1);
  CHECK(num_hashes == 1);
  CHECK(plan.description(2).num_train == 20);
}

TEST_CASE("the work that others wait for longest has the longest critical path") {
  const Plan plan = plan_with({"forget.kind=none"});

  CHECK(plan.items[0].critical_s == Approx(plan.items[0].cost_s + plan.items[1].cost_s + plan.items[2].cost_s));
  CHECK(plan.items[2].critical_s == plan.items[2].cost_s);
  CHECK(plan.totals.cost_s == Approx(plan.items[0].critical_s));
}

TEST_CASE("the description and the JSON hold the plan's numbers") {
  auto study = study_with({"forget.index=0", "forget.index=1"}, {0, 1, 2});
  study.axes = {{"forget.index", {"0", "1"}}};
  const Plan plan = make_plan(study, fake_sources());

  const std::string text = describe_plan(study, plan), json = plan_json(study, plan);

  for (const char* part :
       {"cells       2", "forget.index = 0, 1", "seeds       3: 0..2", "runs        6 pairs",
        "3 pretrainings (3 w_0), 3 M, 6 M', 0 repeats of M", "trees       3, of up to 3 lanes and 5 steps",
        "groups      0", "split: 3 M, retain: 6 M, all or none: 3 M", "on one core"}) {
    INFO(text);
    CHECK(text.find(part) != std::string::npos);
  }
  for (const char* part : {"\"num_runs\": 6", "\"retrained\": 6", "\"retain\": 6", "\"values\": [\"0\", \"1\"]",
                           "\"num_comparison_groups\": 0"}) {
    INFO(json);
    CHECK(json.find(part) != std::string::npos);
  }
}

TEST_CASE("models share a pack only where their features are fitted on the same rows") {
  const auto fits = [](const std::vector<std::string>& cells, const std::vector<std::int64_t>& seeds) {
    const Plan plan = plan_with(cells, seeds);
    std::set<std::string> keys;
    for (const Item& item : plan.items) {
      if (item.kind == ItemKind::tree) {
        keys.insert(item.pack_key);
      }
    }
    CHECK(plan.trees.size() > 1);
    return keys.size();
  };
  const std::string words = "data.dataset=imdb data.path=x order.kind=shuffled ";

  CHECK(fits({words}, {0, 1, 2}) == 3);
  CHECK(fits({words + "seed.split=7"}, {0, 1, 2}) == 1);
  CHECK(fits({words + "data.features=bow"}, {0, 1, 2}) == 1);
  CHECK(fits({words + "train.lr=0.1", words + "train.lr=0.2"}, {0}) == 1);
  CHECK(fits({words + "pretrain.fraction=0.4", words + "pretrain.fraction=0.5"}, {0}) == 2);
  CHECK(fits({words + "forget.kind=class forget.index=1", words + "forget.kind=class forget.index=2"}, {0}) == 2);
  CHECK(fits({words + "pretrain.on=retain forget.index=1", words + "pretrain.on=retain forget.index=2"}, {0}) == 2);
  CHECK(fits({words + "pretrain.on=all"}, {0, 1, 2}) == 1);
  CHECK(plan_with({words}).trees[0].id != plan_with({words + "data.features=bow"}).trees[0].id);
}
