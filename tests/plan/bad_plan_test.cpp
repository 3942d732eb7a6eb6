// What only the data can tell is wrong: each refusal names the key, its value and what would do.
#include "fakes.hpp"
#include "support/catch.hpp"

using namespace unroll;
using namespace unroll::plan;

namespace {

struct BadCell {
  std::string cell;
  std::string error;
};

const BadCell kBadCells[] = {
    {"forget.index=5",
     "test.ini: forget.index = 5 (default): there is no batch 5: an epoch has 5 batches of at most 4 rows, so 0 to 4"},
    {"forget.index=[0 9]", "test.ini: forget.index = [0 9] (default): there is no batch 9"},
    {"forget.kind=examples forget.index=20",
     "examples 20 to 20 (forget.count = 1) are not all there: the fine-tuning part has 20 rows"},
    {"forget.kind=examples forget.index=15 forget.count=6", "examples 15 to 20"},
    {"forget.kind=examples forget.index=0 forget.count=20", "forgets all 20 rows of the fine-tuning part"},
    {"forget.kind=class forget.index=4",
     "no row of the fine-tuning part is of class 4: the data set has classes 0 to 3"},
    {"forget.kind=class forget.index=[0..3]", "forgets all 20 rows"},
    {"forget.kind=step forget.index=5", "there is no step 5: training has 5 steps, so 0 to 4"},
    {"forget.kind=file forget.file=f.h5 seed.split=0", "forget.file = f.h5 (default): lists row "},
    {"order.kind=file order.file=o.h5", "order.file = o.h5 (default): step 0 draws row "},
    {"pretrain.fraction=0.001",
     "pretrain.fraction = 0.001 (default): leaves no row to pretrain on: there are 40 training rows"},
    {"pretrain.fraction=0.999", "leaves no row to fine-tune on"},
    {"measure.steps=6", "step 6 is beyond the end: training has 5 steps"},
    {"measure.every=6", "measure.every = 6 (default): is beyond the end: training has 5 steps"},
    {"train.steps=2000000000 measure.every=1", "measures more than 1000000 times"},
    {"train.epochs=2147483647", "train.epochs = 2147483647 (default): makes 10737418235 steps; at most 2147483647"},
    {"pretrain.epochs=2147483647", "pretrain.epochs = 2147483647 (default): makes more than 2147483647 steps"},
    {"model.arch=resnet18", "model.arch = resnet18 (default): needs images of 25 to 32 pixels a side"},
};

}  // namespace

TEST_CASE("a cell that its data cannot serve is refused with its key, value and what there is") {
  for (const BadCell& bad : kBadCells) {
    INFO(bad.cell);

    const std::string error = refusal_of([&] { (void)plan_with({bad.cell}); });

    INFO("said: " << error);
    CHECK(error.find(bad.error) != std::string::npos);
    CHECK(error.find('\n') == std::string::npos);
  }
}

TEST_CASE("seeds that change nothing are refused, seeds that start eigenvalue solvers do not count") {
  const std::string fixed = "init.file=w.h5 pretrain.on=none";

  const std::string error = refusal_of([&] { (void)plan_with({fixed}, {0, 1}); });

  CHECK(error.find("test.ini: study.seeds = 0, 1 (default): change nothing: pretrain.on = none, order.kind = fixed") ==
        0);
  CHECK_NOTHROW(plan_with({fixed}, {0}));
  CHECK_NOTHROW(plan_with({fixed + " order.kind=shuffled"}, {0, 1}));
  CHECK_NOTHROW(plan_with({"init.file=w.h5 pretrain.on=all"}, {0, 1}));
  CHECK(refusal_of([&] { (void)plan_with({"seed.split=1 seed.init=2 seed.pretrain_order=3"}, {0, 1}); }) != "");
}

TEST_CASE("two cells that turn out to be the same run are refused") {
  auto study = study_with({"init.file=a.h5", "init.file=b.h5"});
  study.axes = {{"init.file", {"a.h5", "b.h5"}}};
  auto sources = fake_sources();
  sources.file_hash = [](const std::string&) { return std::string("the same bytes"); };

  const std::string error = refusal_of([&] { (void)make_plan(study, sources); });

  CHECK(error.find("init.file = b.h5 (default): makes the same run as the value a.h5") != std::string::npos);
}

TEST_CASE("what a reader refuses is said with the key and its place") {
  auto study = study_with({"order.kind=file order.file=o.h5 init.file=w.h5"});
  study.origins = {{"data.path", "test.ini:2"}, {"order.file", "test.ini:3"}, {"data.train_size", "test.ini:4"}};
  auto sources = fake_sources();
  const auto describe = sources.describe;
  sources.order_file = [](const std::string&, std::int64_t) -> dataset::OrderTable {
    throw UsageError("o.h5: has no dataset 'order'");
  };

  sources.describe = [](const config::Settings::Data&) -> dataset::Description { throw UsageError("x.bin: is short"); };
  CHECK(refusal_of([&] { (void)make_plan(study, sources); }) == "test.ini:2: data.path = (unset): x.bin: is short");
  sources.describe = [](const config::Settings::Data&) -> dataset::Description {
    throw UsageError("data.train_size = 9: must be in 1..8");
  };
  CHECK(refusal_of([&] { (void)make_plan(study, sources); }) == "test.ini:4: data.train_size = 9: must be in 1..8");
  sources.describe = describe;
  CHECK(refusal_of([&] { (void)make_plan(study, sources); }) ==
        "test.ini:3: order.file = o.h5: has no dataset 'order'");
  sources.file_hash = [](const std::string&) -> std::string { throw UsageError("w.h5: cannot be read: gone"); };
  CHECK(refusal_of([&] { (void)make_plan(study, sources); }) ==
        "test.ini: init.file = w.h5 (default): cannot be read: gone");
}

TEST_CASE("rows of the Hessian that one cell's data set has not are refused") {
  const std::string rows = "measure.hessian=file:h.h5 pretrain.on=none data.train_size=";
  auto study = study_with({rows + "40", rows + "5"});
  study.axes = {{"data.train_size", {"40", "5"}}};

  CHECK(refusal_of([&] { (void)make_plan(study, fake_sources()); }) ==
        "test.ini: measure.hessian = file:h.h5 (default): lists row 7, must be in 0..4");
}

TEST_CASE("lanes that do not fit into memory are refused with how many do") {
  auto study = study_with({"run.lanes=8 model.hidden=65536"}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
  study.origins = {{"run.lanes", "test.ini:7"}};
  auto sources = fake_sources();
  sources.memory_limit_bytes = 50'000'000;

  const std::string error = refusal_of([&] { (void)make_plan(study, sources); });
  sources.memory_limit_bytes = 1'000;
  const std::string hopeless = refusal_of([&] { (void)make_plan(study, sources); });

  CHECK(error.find("test.ini:7: run.lanes = 8: 8 lanes of mlp need about ") == 0);
  CHECK(error.find("GB; at most 3 fit") != std::string::npos);
  CHECK(hopeless.find("not even one fits") != std::string::npos);
  sources.memory_limit_bytes = 500'000'000;
  CHECK_NOTHROW(make_plan(study, sources));
}
