#include "unroll/store/report.hpp"

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "example.hpp"
#include "support/catch.hpp"
#include "support/temp_folder.hpp"
#include "unroll/base/error.hpp"

namespace unroll::store {
namespace {

using Change = void (*)(record::TreeRecord&);

// The report of the example with every tree changed.
std::string report_of(const TempFolder& temp, std::int64_t num_seeds, Change change) {
  const config::Study study = example::study(num_seeds);
  const plan::Plan plan = example::plan(study);
  const Identity identity = example::identity(study, plan);
  prepare(temp / "r", identity);
  Writer writer(temp / "r", 0, identity.numerics_key);
  std::vector<record::TreeRecord> trees;
  for (std::size_t i = 0; i < plan.trees.size(); ++i) {
    trees.push_back(example::tree(plan, i));
    change(trees.back());
  }
  const std::vector<record::TelemetryRow> telemetry = {example::telemetry(plan, 0, 0)};
  writer.commit(trees, telemetry);
  (void)merge(temp / "r", study, plan);
  return report(temp / "r/results.h5");
}

std::size_t longest_line(const std::string& text) {
  std::istringstream lines(text);
  std::size_t longest = 0;
  for (std::string line; std::getline(lines, line);) {
    longest = std::max(longest, line.size());
  }
  return longest;
}

TEST_CASE("a report names cells by their axes, shows means and correlations, and fits 120 columns") {
  const TempFolder temp;
  const std::string text = report_of(temp, 6, [](record::TreeRecord&) {});

  CHECK_THAT(text, Catch::Contains("3 cells, 6 seeds; runs: 18 ok; rows: 54"));
  CHECK_THAT(text, Catch::Contains("model steps: 2000 asked, 40 trained"));
  CHECK_THAT(text, Catch::Contains("cell 1: lr = 0.1"));
  CHECK_THAT(text, Catch::Contains("12 ok, 6 before F was met"));
  CHECK_THAT(text, Catch::Contains("verification error"));
  CHECK_THAT(text, Catch::Contains("Spearman"));
  CHECK(longest_line(text) <= 120);
}

TEST_CASE("a mean is that of the seeds") {
  const TempFolder temp;
  const std::string text = report_of(temp, 4, [](record::TreeRecord& tree) {
    for (record::PairRow& row : tree.pairs) {
      row.verification_error = row.status == "ok" ? (row.seed % 2 == 0 ? 1e-3 : 4e-3) : 0.0;
    }
  });

  CHECK_THAT(text, Catch::Contains("2.00 [0.56, 7.15]e-03"));  // log: 2e-3 x/ exp(3.182 * ln 4 / sqrt(3) / 2)
}

TEST_CASE("controls are called out, good and bad") {
  const TempFolder good, bad;

  CHECK_THAT(report_of(good, 4, [](record::TreeRecord&) {}),
             Catch::Contains("control none: verification error and ||M - M'|| exactly 0 over 12 rows"));
  CHECK_THAT(report_of(bad, 4,
                       [](record::TreeRecord& tree) {
                         if (tree.runs[0].cell == 2 && tree.runs[0].seed == 3) {
                           tree.pairs[1].no_unlearning_distance = 1e-9;
                         }
                       }),
             Catch::Contains("REACH 1e-09 over 12 rows, but must be exactly 0"));
}

TEST_CASE("too few seeds are said to be too few") {
  const TempFolder temp;
  const std::string text = report_of(temp, 3, [](record::TreeRecord&) {});

  CHECK_THAT(text, Catch::Contains("too few seeds for a correlation (n < 4)"));
}

TEST_CASE("diverged rows are counted and stay out of the means") {
  const TempFolder temp;
  const std::string text = report_of(temp, 5, [](record::TreeRecord& tree) {
    if (tree.runs[0].cell == 0 && tree.runs[0].seed == 0) {
      tree.runs[0].status = "diverged";
      tree.pairs[2].status = "diverged";
      tree.pairs[2].verification_error = record::kUndefined;
    }
  });

  CHECK_THAT(text, Catch::Contains("1 diverged"));
  CHECK_THAT(text, Catch::Contains("14 ok"));
}

TEST_CASE("many cells are one line each, with what differs between them") {
  const TempFolder temp;
  config::Study study = example::study(5);
  study.cells.resize(1);
  for (std::int64_t index = 1; index < 12; ++index) {
    study.cells.push_back(study.cells.front());
    study.cells.back().forget.index = {10 * index};
  }
  const plan::Plan plan = example::plan(study);
  const Identity identity = example::identity(study, plan);
  prepare(temp / "r", identity);
  Writer writer(temp / "r", 0, identity.numerics_key);
  for (std::size_t i = 0; i < plan.trees.size(); ++i) {
    const std::vector<record::TreeRecord> trees = {example::tree(plan, i)};
    writer.commit(trees, {});
  }
  (void)merge(temp / "r", study, plan);

  const std::string text = report(temp / "r/results.h5");

  CHECK_THAT(text, Catch::Contains("Every cell at its last measured step"));
  CHECK_THAT(text, Catch::Contains("cell  index   T"));
  CHECK_THAT(text, Catch::Contains("  11    110  20"));
  CHECK(longest_line(text) <= 120);
}

TEST_CASE("only results of a known format are reported") {
  const TempFolder temp;
  (void)report_of(temp, 4, [](record::TreeRecord&) {});

  CHECK_THROWS_AS(report(temp / "missing.h5"), UsageError);
  CHECK_THROWS_WITH(report(temp / "r/telemetry.h5"), Catch::Contains("not one of unroll's results"));
  CHECK_THROWS_AS(report(temp / "r/plan.txt"), UsageError);
}

}  // namespace
}  // namespace unroll::store
