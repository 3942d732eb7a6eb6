// Properties that hold for every plan, tried on generated studies.
#include <algorithm>
#include <map>
#include <set>

#include "fakes.hpp"
#include "support/catch.hpp"
#include "unroll/base/random.hpp"
#include "unroll/plan/attempt.hpp"
#include "unroll/plan/chunk.hpp"

using namespace unroll;
using namespace unroll::plan;

namespace {

/// Random choices that depend on the study's number only.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : stream_(seed, "test") {}
  std::size_t below(std::size_t bound) { return static_cast<std::size_t>(stream_.bits(0, count_++) % bound); }
  std::string pick(std::initializer_list<const char*> options) { return *(options.begin() + below(options.size())); }

 private:
  RandomStream stream_;
  std::uint64_t count_ = 0;
};

std::string random_cell(Dice& dice) {
  return dice.pick({"", "order.kind=shuffled", "order.kind=shuffled"}) + ' ' +
         dice.pick({"", "pretrain.on=retain", "pretrain.on=all", "pretrain.on=none"}) + ' ' +
         dice.pick({"forget.index=0", "forget.index=3", "forget.kind=examples forget.index=2 forget.count=3",
                    "forget.kind=class forget.index=1", "forget.kind=none", "forget.kind=ghost",
                    "forget.kind=step forget.index=1"}) +
         ' ' + dice.pick({"", "retrain.skip=coast", "retrain.kind=fresh"}) + ' ' +
         dice.pick({"", "train.epochs=2", "train.steps=7"}) + ' ' + dice.pick({"", "train.batch=3"}) + ' ' +
         dice.pick({"", "measure.steps=4", "measure.every=3", "measure.sigma=none"}) + ' ' +
         dice.pick({"", "train.lr=0.5", "train.schedule=cosine"}) + ' ' + dice.pick({"", "unlearn.rule=final-weights"});
}

void add_noise(Dice& dice, config::Study& study) {
  config::Settings::Noise noise;
  noise.ulp = dice.below(2) == 0;
  noise.repeats = static_cast<std::int64_t>(dice.below(3));
  for (std::int64_t seed = 0; seed < 4; ++seed) {
    dice.below(2) == 0 ? noise.orders.push_back(seed) : void();
    dice.below(2) == 0 ? noise.inits.push_back(seed) : void();
  }
  noise.at = dice.below(2) == 0 ? config::NoiseAt::last : config::NoiseAt::measured;
  for (config::Settings& cell : study.cells) {
    cell.noise = noise;
  }
}

config::Study random_study(std::uint64_t number) {
  Dice dice(number);
  std::set<std::string> seen;
  config::Study study = study_with({});
  constexpr std::string_view kAll[] = {"data.", "model.",  "init.",    "order.",   "pretrain.", "train.",
                                       "loss.", "forget.", "retrain.", "unlearn.", "measure."};
  const std::size_t num_cells = 1 + dice.below(5);
  while (study.cells.size() < num_cells) {
    const auto cell = cell_of(random_cell(dice));
    if (seen.insert(config::canonical_text(cell, kAll)).second) {
      study.cells.push_back(cell);
    }
  }
  study.seeds.resize(1 + dice.below(3));
  std::int64_t seed = static_cast<std::int64_t>(dice.below(3));
  for (auto& value : study.seeds) {
    value = seed;
    seed += 1 + static_cast<std::int64_t>(dice.below(4));
  }
  if (number % 3 == 0) {
    add_noise(dice, study);
  }
  return study;
}

template <typename Check>
void for_random_plans(Check check) {
  for (std::uint64_t number = 0; number < 300; ++number) {
    INFO("study " << number);
    const auto study = random_study(number);
    check(study, make_plan(study, fake_sources()));
  }
}

/// What a run is called, whatever plan it is in: cell and seed as text.
std::map<std::string, std::string> ids_by_meaning(const Plan& plan) {
  constexpr std::string_view kAll[] = {"data.", "model.",  "init.",    "order.",   "pretrain.", "train.",
                                       "loss.", "forget.", "retrain.", "unlearn.", "measure."};
  std::map<std::string, std::string> ids;
  for (const Run& run : plan.runs) {
    const Tree& tree = plan.trees[run.tree];
    const std::string meaning =
        config::canonical_text(plan.cells[run.cell], kAll) + std::to_string(plan.seeds[run.seed]);
    ids[meaning] = run.id + tree.id + tree.forks[run.fork].id + plan.pretrainings[tree.pretraining].id;
  }
  return ids;
}

bool intersects(const std::vector<std::int64_t>& a, const std::vector<std::int64_t>& b) {
  return std::any_of(a.begin(), a.end(), [&](std::int64_t x) { return std::find(b.begin(), b.end(), x) != b.end(); });
}

}  // namespace

TEST_CASE("items wait only for items before them, so every plan is acyclic") {
  for_random_plans([](const auto&, const Plan& plan) {
    for (std::size_t i = 0; i < plan.items.size(); ++i) {
      for (const std::size_t before : plan.items[i].depends) {
        CHECK(before < i);
        CHECK(plan.items[before].critical_s >= plan.items[before].cost_s + plan.items[i].critical_s);
      }
    }
  });
}

TEST_CASE("each stage, each run and each tree appears once, and every run is in its tree") {
  for_random_plans([](const auto& study, const Plan& plan) {
    std::set<std::string> stages, runs;
    std::size_t num_stages = plan.pretrainings.size() + plan.trees.size(), num_listed = 0, num_tree_items = 0;
    for (const auto& pretraining : plan.pretrainings) {
      stages.insert(pretraining.id);
    }
    for (std::size_t t = 0; t < plan.trees.size(); ++t) {
      const Tree& tree = plan.trees[t];
      stages.insert(tree.id);
      num_stages += tree.forks.size();
      std::set<std::size_t> used;
      for (const Fork& fork : tree.forks) {
        stages.insert(fork.id);
        CHECK(fork.first_touch <= tree.num_steps);
      }
      std::int64_t last = 0;
      for (const std::size_t run : tree.runs) {
        CHECK(plan.runs[run].tree == t);
        used.insert(plan.runs[run].fork);
        last = std::max(last, plan.measured_steps(plan.runs[run]).back());
      }
      for (const std::size_t model : tree.models) {
        CHECK(plan.models[model].tree == t);
        if (plan.models[model].fork) {
          used.insert(*plan.models[model].fork);
        }
        last = std::max(last, plan.models[model].steps.back());
      }
      CHECK(used.size() == tree.forks.size());
      CHECK(last == tree.num_steps);
      num_listed += tree.runs.size();
    }
    for (const Run& run : plan.runs) {
      runs.insert(run.id);
    }
    for (const Item& item : plan.items) {
      num_tree_items += item.kind == ItemKind::tree;
    }
    CHECK(stages.size() == num_stages);
    CHECK(runs.size() == study.cells.size() * study.seeds.size());
    CHECK(num_listed == runs.size());
    CHECK(num_tree_items == plan.trees.size());
  });
}

TEST_CASE("adding a seed or a cell changes no other run's ids") {
  for_random_plans([](const config::Study& study, const Plan& plan) {
    config::Study larger = study;
    larger.seeds.push_back(study.seeds.back() + 1);
    larger.cells.insert(larger.cells.begin(), cell_of("train.lr=0.77 measure.steps=1,2"));

    const auto before = ids_by_meaning(plan), after = ids_by_meaning(make_plan(larger, fake_sources()));

    for (const auto& [meaning, ids] : before) {
      CHECK(after.at(meaning) == ids);
    }
  });
}

TEST_CASE("measuring one cell at more steps changes no other run and no stage") {
  for_random_plans([](const config::Study& study, const Plan& plan) {
    config::Study changed = study;
    changed.cells[0].measure.every.reset();
    changed.cells[0].measure.steps = {0, 1, 2, 3, 5};

    const Plan after = make_plan(changed, fake_sources());

    for (std::size_t i = 0; i < plan.runs.size(); ++i) {
      CHECK(tree_of(plan, i).id == tree_of(after, i).id);
      CHECK(fork_of(plan, i).id == fork_of(after, i).id);
      if (plan.runs[i].cell > 0) {
        CHECK(plan.runs[i].id == after.runs[i].id);
      }
    }
  });
}

TEST_CASE("equal trees are equal training, and training that differs has different trees") {
  for_random_plans([](const auto&, const Plan& plan) {
    constexpr std::string_view kTraining[] = {
        "data.",       "model.", "order.",         "pretrain.",      "train.lr",
        "train.batch", "loss.",  "train.momentum", "train.schedule", "train.schedule_every"};
    std::map<std::string, std::string> by_training, by_id;
    for (const Run& run : plan.runs) {
      const auto& cell = plan.cells[run.cell];
      const Tree& tree = plan.trees[run.tree];
      const auto& pretraining = plan.pretrainings[tree.pretraining];
      std::string training = config::canonical_text(cell, kTraining) + std::to_string(plan.seeds[run.seed]) + ' ' +
                             join(*plan.pretrain_rows(pretraining), " ");
      if (cell.train.schedule == config::Schedule::cosine) {
        training += " total " + std::to_string(plan.total_steps(run.cell));
      }
      // retain without rows and all are the same training under two names
      if (const auto at = training.find("pretrain.on=retain"); at != std::string::npos) {
        training.replace(at, 18, "pretrain.on=all");
      }
      CHECK(by_training.emplace(training, tree.id).first->second == tree.id);
      CHECK(by_id.emplace(tree.id, training).first->second == training);
    }
  });
}

TEST_CASE("F is never in the pretraining part of split and retain, and always in the fine-tuning part") {
  for_random_plans([](const auto&, const Plan& plan) {
    for (std::size_t run = 0; run < plan.runs.size(); ++run) {
      const auto& tree = tree_of(plan, run);
      const auto& rows = forget_set_of(plan, run).rows;
      const auto on = plan.cells[plan.runs[run].cell].pretrain.on;
      const auto finetune = plan.finetune_rows(tree);
      if (on == config::PretrainOn::split || on == config::PretrainOn::retain) {
        CHECK_FALSE(intersects(rows, *plan.pretrain_rows(plan.pretrainings[tree.pretraining])));
      }
      CHECK(std::includes(finetune->begin(), finetune->end(), rows.begin(), rows.end()));
    }
  });
}

TEST_CASE("with on = split the two parts are disjoint but for dropped classes") {
  for_random_plans([](const auto&, const Plan& plan) {
    for (const Tree& tree : plan.trees) {
      if (plan.cells[tree.cell].pretrain.on == config::PretrainOn::split) {
        const auto pretrain = plan.pretrain_rows(plan.pretrainings[tree.pretraining]);
        const auto finetune = plan.finetune_rows(tree);
        CHECK_FALSE(intersects(*pretrain, *finetune));
        CHECK((pretrain->size() + finetune->size() == 40) ==
              plan.pretrainings[tree.pretraining].dropped_classes.empty());
      }
    }
  });
}

TEST_CASE("before first_touch no batch holds a row of F, and at first_touch one does") {
  for_random_plans([](const auto&, const Plan& plan) {
    for (const Tree& tree : plan.trees) {
      const Order order = plan.order_of(tree);
      for (const Fork& fork : tree.forks) {
        const auto& set = plan.forget_sets[fork.forget_set];
        if (plan.cells[fork.cell].retrain.kind == config::RetrainKind::fresh && !set.rows.empty()) {
          CHECK(fork.first_touch == 0);
          continue;
        }
        for (std::int64_t step = 0; step < fork.first_touch; ++step) {
          CHECK_FALSE(intersects(order.batch(step), set.rows));
          CHECK(set.skipped_step != step);
        }
        if (fork.first_touch < tree.num_steps) {
          CHECK((intersects(order.batch(fork.first_touch), set.rows) || set.skipped_step == fork.first_touch));
        }
      }
    }
  });
}

TEST_CASE("the coupled M' has M's order and the fresh one never draws F") {
  for_random_plans([](const auto&, const Plan& plan) {
    for (const Tree& tree : plan.trees) {
      const Order order = plan.order_of(tree);
      for (const Fork& fork : tree.forks) {
        const Order retrained = plan.order_of(tree, fork);
        const auto& rows = plan.forget_sets[fork.forget_set].rows;
        const bool is_fresh = plan.cells[fork.cell].retrain.kind == config::RetrainKind::fresh && !rows.empty();
        for (std::int64_t step = 0; step < tree.num_steps; ++step) {
          if (is_fresh) {
            CHECK_FALSE(intersects(retrained.batch(step), rows));
          } else {
            CHECK(retrained.batch(step) == order.batch(step));
          }
        }
      }
    }
  });
}

TEST_CASE("sharing never trains more than every run by itself, when runs are equally long") {
  for_random_plans([](const config::Study& study, const Plan&) {
    config::Study equal = study;
    for (auto& cell : equal.cells) {
      cell.measure.every.reset();
      cell.measure.steps = {5};
    }
    Plan plan;
    if (refusal_of([&] { plan = make_plan(equal, fake_sources()); }).empty()) {  // cells may coincide now
      CHECK(plan.totals.model_steps_trained <= plan.totals.model_steps_asked);
      CHECK(plan.totals.flop > 0);
      CHECK(plan.totals.memory_per_rank_bytes > 0);
      CHECK(plan.totals.disk_bytes > 0);
    }
  });
}

TEST_CASE("every group holds its run's M'' and M', every model is of a group, and noise changes no run") {
  for_random_plans([](const config::Study& study, const Plan& plan) {
    std::set<std::size_t> members;
    for (const Group& group : plan.groups) {
      const Run& run = plan.runs[group.run];
      CHECK(plan.models[group.members.at(0).model].id == run.id);
      CHECK(plan.models[group.members.at(1).model].id == plan.trees[run.tree].forks[run.fork].id);
      for (const Member& member : group.members) {
        members.insert(member.model);
      }
    }
    CHECK(members.size() == plan.models.size());
    config::Study plain = study;
    for (auto& cell : plain.cells) {
      cell.noise = {};
    }
    CHECK(ids_by_meaning(make_plan(plain, fake_sources())) == ids_by_meaning(plan));
  });
}

TEST_CASE("a plan is a function of its study") {
  for_random_plans([](const config::Study& study, const Plan& plan) {
    const Plan again = make_plan(study, fake_sources());

    CHECK(plan_json(study, plan) == plan_json(study, again));
    CHECK(ids_by_meaning(plan) == ids_by_meaning(again));
  });
}

TEST_CASE("an attempt has each fork that is left once, whatever is finished and however many ranks there are") {
  for_random_plans([](const auto& study, const Plan& plan) {
    Dice dice(static_cast<std::uint64_t>(study.cells.size()) + 1000 * study.seeds.size());
    Finished finished{std::vector<bool>(plan.runs.size()), std::vector<bool>(plan.items.size()),
                      std::vector<bool>(plan.models.size())};
    std::set<std::size_t> originals;  // trees whose M has to leave its weights
    for (std::size_t run = 0; run < plan.runs.size(); ++run) {
      finished.runs[run] = dice.below(3) == 0;
    }
    for (std::size_t item = 0; item < plan.items.size(); ++item) {
      finished.stages[item] = dice.below(2) == 0;
    }
    std::map<std::pair<std::size_t, std::size_t>, int> wanted, found;
    for (std::size_t i = 0; i < plan.models.size(); ++i) {
      const Model& model = plan.models[i];
      finished.models[i] = dice.below(3) == 0;
      if (!finished.models[i] && model.fork) {
        wanted[{model.tree, *model.fork}] = 1;
      } else if (!finished.models[i]) {
        originals.insert(model.tree);
      }
    }
    const Attempt attempt = make_attempt(plan, finished, static_cast<int>(1 + dice.below(6)));

    for (std::size_t run = 0; run < plan.runs.size(); ++run) {
      if (!finished.runs[run]) {
        wanted[{plan.runs[run].tree, plan.runs[run].fork}] = 1;
      }
    }
    REQUIRE(attempt.done.size() == attempt.items.size());
    for (std::size_t i = 0; i < attempt.items.size(); ++i) {
      const Item& item = attempt.items[i];
      CHECK(
          (item.kind != ItemKind::tree || attempt.done[i] == (item.forks.empty() && !originals.contains(item.index))));
      for (const std::size_t fork : item.forks) {
        ++found[{item.index, fork}];
        const auto& repeat = plan.trees[item.index].forks[fork].repeat;
        CHECK((!repeat || std::count(item.depends.begin(), item.depends.end(), *repeat) == 1));
      }
      for (const std::size_t before : item.depends) {
        CHECK(before < i);
        CHECK((attempt.done[i] || finished.stages[before] || !attempt.done[before]));
        CHECK((attempt.done[i] || attempt.items[before].critical_s >= item.critical_s));
      }
    }
    CHECK(found == wanted);
  });
}
