// Noise floors from made-up distances: the numbers are known.
#include "floors.hpp"

#include <algorithm>
#include <cmath>

#include "example.hpp"
#include "results.hpp"
#include "support/catch.hpp"
#include "support/temp_folder.hpp"
#include "unroll/base/sha256.hpp"
#include "unroll/base/text.hpp"
#include "unroll/store/file_door.hpp"
#include "unroll/store/report.hpp"

namespace unroll::store {
namespace {

/// Models at these places of a line.
std::vector<ModelPair> pairs_on_a_line(const std::vector<double>& places) {
  std::vector<ModelPair> pairs;
  for (std::size_t a = 0; a < places.size(); ++a) {
    for (std::size_t b = a + 1; b < places.size(); ++b) {
      pairs.push_back({a, b, std::abs(places[a] - places[b])});
    }
  }
  return pairs;
}

TEST_CASE("a floor is the median over all pairs") {
  CHECK(floor_of(2, pairs_on_a_line({0, 3}), 1).median == 3);
  CHECK(floor_of(3, pairs_on_a_line({0, 1, 3}), 1).median == 2);       // 1 2 3
  CHECK(floor_of(4, pairs_on_a_line({0, 1, 3, 7}), 1).median == 3.5);  // 1 2 3 4 6 7
}

TEST_CASE("models at one distance from each other have a floor without width") {
  std::vector<ModelPair> pairs;
  for (std::size_t a = 0; a < 5; ++a) {
    for (std::size_t b = a + 1; b < 5; ++b) {
      pairs.push_back({a, b, 0.25});
    }
  }
  const Floor floor = floor_of(5, pairs, 9);
  CHECK(floor.median == 0.25);
  CHECK(floor.low == 0.25);
  CHECK(floor.high == 0.25);
}

TEST_CASE("the interval is over models: one far model of five, drawn twice, moves the median beyond it") {
  const Floor floor = floor_of(5, pairs_on_a_line({0, 1, 2, 3, 100}), 9);
  CHECK(floor.median == 2.5);  // 1 1 1 2 2 3 97 98 99 100
  CHECK(floor.low <= 1);
  CHECK(floor.high >= 97);
}

TEST_CASE("too few models have no floor or no interval") {
  CHECK(std::isnan(floor_of(1, {}, 1).median));
  const Floor two = floor_of(2, pairs_on_a_line({0, 3}), 1);
  CHECK(std::isnan(two.low));
  CHECK(std::isnan(two.high));
}

TEST_CASE("a diverged model, or a pair that is missing, leaves no floor") {
  auto pairs = pairs_on_a_line({0, 1, 3});
  pairs[1].distance = std::nan("");
  CHECK(std::isnan(floor_of(3, pairs, 1).median));
  pairs.pop_back();
  pairs[1].distance = 1;
  CHECK(std::isnan(floor_of(3, pairs, 1).median));
}

TEST_CASE("the interval depends on the seed and the distances alone") {
  auto pairs = pairs_on_a_line({0, 1, 3, 7, 20, 21});
  const Floor first = floor_of(6, pairs, 5);
  std::reverse(pairs.begin(), pairs.end());
  const Floor again = floor_of(6, pairs, 5);
  CHECK(first.low == again.low);
  CHECK(first.high == again.high);
  CHECK(first.low < first.median);
  CHECK(first.median < first.high);
}

/// The example with noise floors: run 0 has a group of M'', M', a repeat and two orders; every M has a twin.
struct Noisy {
  config::Study study = example::study(2);
  plan::Plan plan;
  Collected collected{{}};
  std::vector<std::byte> image;  // of the shard

  [[nodiscard]] LoadColumns load() const {
    return [this](const std::string& name, const hdf5::ColumnFilter& is_wanted) {
      return hdf5::tables_from_image(image, name, is_wanted);
    };
  }

  Noisy() {
    for (config::Settings& cell : study.cells) {
      cell.noise.ulp = true;
      cell.noise.repeats = 1;
      cell.noise.orders = {5, 6};
    }
    plan = example::plan(study);
    plan::Group group{sha256("group"), 0, {20}, {}};
    add(group, plan::MemberKind::unlearned, plan.runs[0].id);
    add(group, plan::MemberKind::retrained, plan.trees[0].forks[0].id);
    add(group, plan::MemberKind::repeat, sha256("repeat"));
    add(group, plan::MemberKind::order, sha256("order 5"));
    add(group, plan::MemberKind::order, sha256("order 6"));
    const double places[] = {9, 0, 0, 1, 3};  // of the models on a line
    Shard shard;
    for (std::size_t a = 0; a < 5; ++a) {
      for (std::size_t b = a + 1; b < 5; ++b) {
        record::DistanceRow row;
        row.group_id = group.id;
        row.run_id = plan.runs[0].id;
        row.step = 20;
        row.id_a = plan.models[a].id;
        row.id_b = plan.models[b].id;
        row.distance = std::abs(places[a] - places[b]);
        shard.rows.distances.push_back(row);
      }
    }
    plan.groups.push_back(group);
    for (std::size_t tree = 0; tree < plan.trees.size(); ++tree) {
      record::TreeRecord record = example::tree(plan, tree);
      for (record::PairRow& row : record.pairs) {
        row.status = row.step == 0 ? "not_yet_seen" : "ok";
        row.verification_error = static_cast<double>(row.step);
        shard.rows.pairs.push_back(row);
        shard.rows.twins.push_back({plan.trees[tree].id, row.step, row.step == 10 ? 4.0 : 2.0});
      }
      shard.rows.runs.insert(shard.rows.runs.end(), record.runs.begin(), record.runs.end());
    }
    const std::vector<record::TreeRecord> records = {shard.rows};
    image = shard_image({plan.id, "key"}, records, {});
    collected.add(std::move(shard), "shard");
  }

  void add(plan::Group& group, plan::MemberKind kind, const std::string& id) {
    group.members.push_back({kind, plan.models.size(), -1});
    plan.models.push_back({id, 0, std::nullopt, std::nullopt, {20}});
  }
};

TEST_CASE("a run's row holds its floors, its ratios to them and whether it is below three times floor (0)") {
  const Noisy noisy;
  const auto rows = floor_rows(noisy.plan, noisy.collected);

  REQUIRE(rows.size() == 3 * noisy.plan.runs.size());
  CHECK(rows[0].status == "not_yet_seen");
  CHECK(rows[1].status == "below_floor");  // 10 < 3 * 4
  CHECK(rows[1].floor_ulp == 4);
  CHECK(rows[1].ratio_ulp == 2.5);
  CHECK(rows[1].undefined == "floor_repeat=last_step_only;floor_order=last_step_only;floor_init=not_asked");
  CHECK(rows[2].status == "ok");  // 20 >= 3 * 2
  CHECK(rows[2].group_id == noisy.plan.groups[0].id);
  CHECK(rows[2].floor_repeat == 0);
  CHECK(rows[2].floor_order == 2);  // between 0, 1 and 3; M'' at 9 and the repeat do not count
  CHECK(rows[2].num_orders == 3);
  CHECK(rows[2].ratio_order == 10);
  CHECK(rows[2].undefined == "floor_init=not_asked");
  CHECK(rows[5].undefined == "floor_repeat=last_step_only;floor_order=last_step_only;floor_init=not_asked");
}

TEST_CASE("with a skipped step M' keeps the examples, so floor (ii) is taken over the other orders alone") {
  Noisy noisy;
  noisy.plan.cells[0].forget.kind = config::ForgetKind::step;
  const auto rows = floor_rows(noisy.plan, noisy.collected);

  CHECK(rows[2].floor_order == 2);
  CHECK(rows[2].num_orders == 2);
  CHECK(rows[2].undefined == "floor_order_interval=too_few_models;floor_init=not_asked");
}

TEST_CASE("a row without a twin cannot be judged, and a floor of zero has no ratio") {
  Noisy noisy;
  noisy.collected.twins.at(noisy.plan.trees[0].id).at(10).distance = std::nan("");
  noisy.collected.twins.at(noisy.plan.trees[0].id).at(20).distance = 0;
  const auto rows = floor_rows(noisy.plan, noisy.collected);

  CHECK(rows[1].status == "no_floor");
  CHECK(rows[1].undefined.starts_with("floor_ulp=diverged;"));
  CHECK(rows[2].status == "ok");
  CHECK(rows[2].undefined == "floor_init=not_asked;ratio_ulp=zero_denominator");
}

TEST_CASE("results hold /distances and /floors, and the report has a section on them") {
  Noisy noisy;
  const TempFolder folder;
  const auto write = [&](const std::string& path) {
    (void)write_results(path, noisy.study, noisy.plan, "key", noisy.collected, noisy.load());
    return *read_file(path);
  };
  const auto image = write(folder / "results.h5");
  const auto file = hdf5::read_tables(folder / "results.h5");

  const std::string text = report(folder / "results.h5", 100);

  CHECK(file.find("distances")->num_rows() == 10);
  CHECK(file.find("floors")->num_rows() == 3 * noisy.plan.runs.size());
  CHECK(write(folder / "again.h5") == image);
  CHECK(text.find("below floor (0): 4 of 8 rows") != std::string::npos);
  CHECK(text.find("VE / (ii)") != std::string::npos);
  CHECK(text.find("0 of 2") != std::string::npos);  // at the last step
  CHECK(text.find("2 of 2") == std::string::npos);  // the control is left out
  for (const auto line : split(text, '\n')) {
    CHECK(line.size() <= 100);
  }
}

TEST_CASE("results without noise floors have neither table, and the report no section") {
  const TempFolder folder;
  example::write(folder / "out");
  const auto file = hdf5::read_tables(folder / "out/results.h5", [](auto, auto) { return true; });

  CHECK(file.find("distances") == nullptr);
  CHECK(file.find("floors") == nullptr);
  CHECK(report(folder / "out/results.h5", 100).find("floors") == std::string::npos);
}

TEST_CASE("a group or a twin that was computed twice with other results is an error") {
  Noisy noisy;
  Shard shard;
  shard.rows.distances = noisy.collected.groups.at(noisy.plan.groups[0].id);
  shard.rows.twins = {{noisy.plan.trees[0].id, 10, 4.0}};
  CHECK_NOTHROW(noisy.collected.add(shard, "same"));
  shard.rows.twins[0].distance = 5;
  CHECK_THROWS(noisy.collected.add(shard, "other twin"));
  shard.rows.twins.clear();
  shard.rows.distances[0].distance = 1;
  CHECK_THROWS(noisy.collected.add(shard, "other group"));
}

}  // namespace
}  // namespace unroll::store
