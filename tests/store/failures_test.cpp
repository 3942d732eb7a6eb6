// Failures are recorded, counted, forgotten, and never cost a run that is finished.
#include "unroll/store/failures.hpp"

#include <filesystem>
#include <fstream>

#include "example.hpp"
#include "support/catch.hpp"
#include "support/temp_folder.hpp"
#include "unroll/store/store.hpp"

namespace unroll::store {
namespace {

struct Fixture {
  TempFolder temp;
  std::string folder = temp / "results";
  config::Study study = example::study();
  plan::Plan plan = example::plan(study);
  Identity identity = example::identity(study, plan);

  mutable std::int64_t num_attempts = 0;

  Fixture() { prepare(folder, identity); }
  void fail(const std::string& id, const std::string& reason) const {
    Writer writer(folder, 0, identity.numerics_key, ++num_attempts);
    const Failure failure{id, reason};
    writer.commit_failures(std::span(&failure, 1));
  }
};

TEST_CASE("without failures there is no folder of them") {
  const Fixture f;
  Writer(f.folder, 0, f.identity.numerics_key).commit_failures({});

  CHECK(failed_runs(f.folder).empty());
  CHECK(forget_failures(f.folder).empty());
  CHECK_FALSE(std::filesystem::exists(failures_folder(f.folder)));
}

TEST_CASE("failures are counted by id, and the last reason is kept") {
  const Fixture f;
  f.fail("a", "out of memory");
  f.fail("a", "another\nreason");
  f.fail("b", "");

  const auto runs = failed_runs(f.folder);

  CHECK(runs.size() == 2);
  CHECK(runs.at("a").num_failures == 2);
  CHECK(runs.at("a").reason == "another?reason");
  CHECK(runs.at("b").num_failures == 1);
  CHECK(runs.at("b").reason.empty());
}

TEST_CASE("what is forgotten does not count, what fails later does") {
  const Fixture f;
  f.fail("a", "one");
  f.fail("b", "two");

  CHECK(forget_failures(f.folder).size() == 2);
  CHECK(failed_runs(f.folder).empty());
  f.fail("a", "three");
  CHECK(failed_runs(f.folder).size() == 1);
  CHECK(failed_runs(f.folder).at("a").num_failures == 1);
  CHECK(forget_failures(f.folder).size() == 1);
  CHECK(failed_runs(f.folder).empty());
}

TEST_CASE("a torn or altered record is skipped, and those around it count") {
  const Fixture f;
  f.fail("a", "one");
  const auto log = std::filesystem::directory_iterator(failures_folder(f.folder))->path();
  std::ofstream(log, std::ios::app) << "\nfailed b torn";
  const Failure good{"d", "good"};
  std::ofstream(log, std::ios::app) << "\nfailed c altered 00000000\n" << encode(std::span(&good, 1));

  const auto runs = failed_runs(f.folder);

  CHECK(runs.size() == 2);
  CHECK(runs.contains("a"));
  CHECK(runs.at("d").reason == "good");
}

TEST_CASE("merge gives a failed run its row and reason, unless it was finished after all") {
  const Fixture f;
  const std::vector<record::TreeRecord> trees = {example::tree(f.plan, 0)};
  Writer(f.folder, 1, f.identity.numerics_key).commit(trees, {});
  const auto& done = trees.front().runs.front().run_id;
  std::string open;
  for (const auto& run : f.plan.runs) {
    open = std::none_of(trees.front().runs.begin(), trees.front().runs.end(),
                        [&](const auto& row) { return row.run_id == run.id; })
               ? run.id
               : open;
  }
  f.fail(done, "before it was done");
  const auto before = merge(f.folder, f.study, f.plan);
  f.fail(open, "out of memory");

  const auto after = merge(f.folder, f.study, f.plan);

  CHECK(after.num_failed_runs == before.num_failed_runs + 1);
  CHECK(after.num_missing_runs == before.num_missing_runs - 1);
  CHECK(after.num_runs == before.num_runs);
}

}  // namespace
}  // namespace unroll::store
