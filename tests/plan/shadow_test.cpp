// Shadow models of privacy risk scores: stages that runs of the same model and seed share.
#include <set>
#include <string>
#include <vector>

#include "fakes.hpp"
#include "support/catch.hpp"
#include "unroll/plan/chunk.hpp"
#include "unroll/plan/plan.hpp"

using namespace unroll;
using namespace unroll::plan;
using Steps = std::vector<std::int64_t>;

TEST_CASE("shadow models are shared by all runs of a model and seed, whatever these train and forget") {
  const Plan plan = plan_with({"prs.shadow=test forget.index=0", "prs.shadow=test forget.index=1 train.lr=0.5",
                               "prs.shadow=test prs.bins=own", "forget.index=2"},
                              {0, 1});

  CHECK(plan.pretrainings.size() == 4);  // w_0 and the shadow model of each seed
  REQUIRE(plan.runs[0].shadow);
  CHECK(plan.runs[2].shadow == plan.runs[0].shadow);
  CHECK(plan.runs[4].shadow == plan.runs[0].shadow);
  CHECK(plan.runs[1].shadow != plan.runs[0].shadow);
  CHECK_FALSE(plan.runs[6].shadow);
  CHECK(plan.runs[4].id != plan.runs[0].id);
  for (const auto& item : plan.items) {
    if (item.kind == ItemKind::tree && plan.trees[item.index].runs.front() == 0) {
      CHECK(item.depends.size() == 2);
      CHECK(plan.pretrainings_of(plan.trees[item.index]) ==
            std::vector<std::size_t>{plan.trees[item.index].pretraining, *plan.runs[0].shadow});
    }
  }
}

TEST_CASE("a shadow model is another when its training, data or loss is") {
  const Plan plan = plan_with({"prs.shadow=test", "prs.shadow=train", "prs.shadow=test prs.lr=0.01",
                               "prs.shadow=test model.hidden=5", "prs.shadow=test loss.kind=sd loss.gamma=1",
                               "prs.shadow=test prs.loss=train loss.kind=sd loss.gamma=1"});

  std::vector<std::string> ids;
  for (const auto& run : plan.runs) {
    ids.push_back(plan.pretrainings[run.shadow.value()].id);
  }
  CHECK(ids[4] == ids[0]);
  CHECK(std::set<std::string>(ids.begin(), ids.end()).size() == 5);
}

TEST_CASE("a shadow model's members and the others are halves of the rows, its order is its own") {
  auto data = fake_description(11);
  data.num_test = 5;
  const Plan plan =
      make_plan(study_with({"prs.shadow=test prs.epochs=3 prs.batch=2", "prs.shadow=train prs.epochs=3 prs.batch=2"}),
                fake_sources(data));

  const auto& of_test = plan.pretrainings[*plan.runs[0].shadow];
  CHECK(of_test.use == PretrainingUse::shadow);
  CHECK(plan.shadow_rows(of_test).members.rows == Steps{0, 1, 2});
  CHECK(plan.shadow_rows(of_test).members.is_test);
  CHECK(plan.shadow_rows(of_test).others.rows == Steps{3, 4});
  CHECK(of_test.num_steps == 3 * 2);
  CHECK(plan.order_of(of_test).batch(0).size() == 2);
  const auto& of_train = plan.pretrainings[*plan.runs[1].shadow];
  CHECK(plan.shadow_rows(of_train).members.rows == Steps{0, 1, 2, 3, 4, 5});
  CHECK_FALSE(plan.shadow_rows(of_train).members.is_test);
  CHECK(plan.shadow_rows(of_train).others.rows == Steps{0, 1, 2});
  std::set<std::string> packs;
  for (const auto& item : plan.items) {
    packs.insert(item.pack_key);
  }
  CHECK(packs.size() == 4);  // w_0, both kinds of shadow models, trees: a pack trains on one part of the data
}

TEST_CASE("without shadow models nothing of a plan changes") {
  const Plan with = plan_with({"prs.shadow=test"}), without = plan_with({"forget.index=0"});

  CHECK(with.trees[0].id == without.trees[0].id);
  CHECK(with.pretrainings[0].id == without.pretrainings[0].id);
  CHECK(with.runs[0].id != without.runs[0].id);
  CHECK(with.totals.model_steps_trained > without.totals.model_steps_trained);
}

TEST_CASE("chunks train the shadow models that their trees need") {
  const Plan plan = plan_with({"prs.shadow=test"}, {0, 1, 2, 3});

  const auto share = share_of(plan, {1, 4});
  CHECK(share.num_pretrainings == 2);
  CHECK(share.num_shared_pretrainings == 0);
}

TEST_CASE("a shadow model of one test row is refused") {
  auto data = fake_description();
  data.num_test = 1;
  CHECK_THAT(refusal_of([&] { (void)make_plan(study_with({"prs.shadow=test"}), fake_sources(data)); }),
             Catch::Contains("prs.shadow = test") && Catch::Contains("at least 2 test rows"));
}
