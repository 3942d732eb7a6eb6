#include "unroll/app/prepare.hpp"

#include <unistd.h>

#include <filesystem>

#include "support/catch.hpp"
#include "unroll/base/error.hpp"

namespace fs = std::filesystem;
using namespace unroll::app;

namespace {

std::string quickstart() { return UNROLL_SOURCE_DIR "/configs/quickstart.ini"; }

}  // namespace

TEST_CASE("the quickstart study plans what the README promises") {
  const Prepared prepared = prepare(quickstart(), {});

  CHECK(prepared.study.seeds.size() >= 10);
  CHECK(prepared.plan.runs.size() == prepared.plan.cells.size() * prepared.study.seeds.size());
  CHECK(prepared.plan.cells.size() == 30);
}

TEST_CASE("a setting replaces the file's key") {
  const Prepared prepared = prepare(quickstart(), {"study.seeds=3", "train.lr=0.5"});

  CHECK(prepared.study.seeds == std::vector<std::int64_t>{3});
  CHECK(prepared.plan.cells.size() == 10);
  CHECK(prepared.plan.cells[0].train.lr == 0.5);
}

TEST_CASE("a saved study gives the same plan again") {
  const fs::path folder = fs::temp_directory_path() / ("unroll-saved-" + std::to_string(getpid()));
  fs::create_directory(folder);
  const RunArguments run{.study = quickstart(), .output = folder, .sets = {"study.seeds=1..4", "loss.gamma=2"}};

  save_study(folder, run);
  const Prepared saved = prepare_saved(folder);

  CHECK(saved.plan.id == prepare(run.study, run.sets).plan.id);
  CHECK(saved.study.seeds.size() == 4);
  fs::remove_all(folder);
}

TEST_CASE("a folder without a study is refused with its name") {
  CHECK_THROWS_WITH(prepare_saved("no/such/folder"), Catch::Contains("no/such/folder"));
  CHECK_THROWS_AS(prepare_saved("no/such/folder"), unroll::UsageError);
}
