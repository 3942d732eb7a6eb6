#include "unroll/store/report.hpp"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <sstream>

#include "example.hpp"
#include "support/catch.hpp"
#include "support/temp_folder.hpp"
#include "unroll/base/error.hpp"

namespace unroll::store {
namespace {

using Change = void (*)(record::TreeRecord&);

// The report of the example with every tree changed.
std::string report_of(const TempFolder& temp, std::int64_t num_seeds, Change change, std::size_t width = 200) {
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
  return report(temp / "r/results.h5", width);
}

// The report of the example with these rows in its telemetry.
std::string report_with(const TempFolder& temp, const std::function<void(std::vector<record::TelemetryRow>&)>& change) {
  const config::Study study = example::study(1);
  const plan::Plan plan = example::plan(study);
  const Identity identity = example::identity(study, plan);
  prepare(temp / "r", identity);
  Writer writer(temp / "r", 0, identity.numerics_key);
  std::vector<record::TreeRecord> trees;
  std::vector<record::TelemetryRow> telemetry;
  for (std::size_t i = 0; i < plan.trees.size(); ++i) {
    trees.push_back(example::tree(plan, i));
    telemetry.push_back(example::telemetry(plan, i, 0));
  }
  change(telemetry);
  writer.commit(trees, telemetry);
  (void)merge(temp / "r", study, plan);
  return report(temp / "r/results.h5", 200);
}

std::size_t longest_line(const std::string& text) {
  std::istringstream lines(text);
  std::size_t longest = 0;
  for (std::string line; std::getline(lines, line);) {
    longest = std::max(longest, line.size());
  }
  return longest;
}

TEST_CASE("a report names cells by their axes, and shows means and correlations") {
  const TempFolder temp;
  const std::string text = report_of(temp, 6, [](record::TreeRecord&) {});

  CHECK_THAT(text, Catch::Contains("3 cells, 6 seeds; runs: 18 ok; rows: 54"));
  CHECK_THAT(text, Catch::Contains("cell 1: lr = 0.1"));
  CHECK_THAT(text, Catch::Contains("12 ok, 6 before F was met"));
  CHECK_THAT(text, Catch::Contains("verification error"));
  CHECK_THAT(text, Catch::Contains("Spearman"));
}

// A line with this start and end that does not hold `without`.
bool has_line(const std::string& text, const std::string& start, const std::string& end, const std::string& without) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(start) && line.ends_with(end) && line.find(without) == std::string::npos) {
      return true;
    }
  }
  return false;
}

TEST_CASE("a report fits the width, and a table that does not is continued below with its first column") {
  for (const std::size_t width : {80, 120}) {
    const TempFolder temp;
    const std::string text = report_of(
        temp, 6, [](record::TreeRecord&) {}, width);

    CAPTURE(width, text);
    CHECK(longest_line(text) <= width);
    CHECK(longest_line(text) > 70);
    for (const char* column : {"||M - M'||", "||M'' - M||", "forget M''"}) {
      CHECK_THAT(text, Catch::Contains(column));
    }
    const bool is_continued = has_line(text, "  step ", "||M - M'||", "verification error");
    CHECK(is_continued == (width == 80));
  }
}

TEST_CASE("a report says what was asked, trained, cached and copied") {
  const TempFolder plain, cached, copied;
  const auto as_it_is = [](std::vector<record::TelemetryRow>&) {};
  const auto from_cache = [](std::vector<record::TelemetryRow>& rows) {
    rows.push_back(rows.front());
    rows.back().kind = "pretraining";
    rows.back().model_steps = 0;
    rows.back().cached_steps = 700;
  };
  const auto in_parts = [](std::vector<record::TelemetryRow>& rows) {
    rows.insert(rows.end(), {rows[1], rows[1], rows[2]});
  };

  CHECK_THAT(report_with(plain, as_it_is),
             Catch::Contains("2000 asked (each run by itself), 120 trained: 16.7 times fewer; 0 taken from the cache; "
                             "1200 planned") &&
                 Catch::Contains("copies:      none"));
  CHECK_THAT(report_with(cached, from_cache),
             Catch::Contains("120 trained") && Catch::Contains("700 taken from the cache"));
  CHECK_THAT(report_with(copied, in_parts), Catch::Contains("240 trained") && Catch::Contains("3 of the M of 2 trees"));
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

  const std::string text = report(temp / "r/results.h5", 80);

  CHECK_THAT(text, Catch::Contains("Every cell at its last measured step"));
  CHECK_THAT(text, Catch::Contains("cell  index   T"));
  CHECK_THAT(text, Catch::Contains("  11    110  20"));
  CHECK(longest_line(text) <= 80);
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
