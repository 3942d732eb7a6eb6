#include <malloc.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>

#include "columns.hpp"
#include "example.hpp"
#include "results.hpp"
#include "support/catch.hpp"
#include "support/temp_folder.hpp"
#include "unroll/base/error.hpp"
#include "unroll/base/sha256.hpp"

namespace unroll::store {
namespace {

struct Fixture {
  TempFolder temp;
  config::Study study = example::study();
  plan::Plan plan = example::plan(study);
  Identity identity = example::identity(study, plan);

  // Commits the trees of `order` in shards of `per_shard`, by `ranks` ranks in turn; returns the merged bytes.
  std::vector<std::byte> results(const std::string& name, const std::vector<std::size_t>& order, std::size_t ranks,
                                 std::size_t per_shard) const {
    const std::string folder = temp / name;
    prepare(folder, identity);
    std::vector<std::unique_ptr<Writer>> writers;
    for (std::size_t rank = 0; rank < ranks; ++rank) {
      writers.push_back(std::make_unique<Writer>(folder, static_cast<int>(rank), identity.numerics_key));
    }
    for (std::size_t begin = 0; begin < order.size(); begin += per_shard) {
      std::vector<record::TreeRecord> trees;
      std::vector<record::TelemetryRow> telemetry;
      for (std::size_t i = begin; i < std::min(begin + per_shard, order.size()); ++i) {
        trees.push_back(example::tree(plan, order[i]));
        telemetry.push_back(example::telemetry(plan, order[i], static_cast<int>(begin % ranks)));
      }
      writers[begin % ranks]->commit(trees, telemetry);
    }
    (void)merge(folder, study, plan);
    return *read_file(folder + "/results.h5");
  }
  [[nodiscard]] std::vector<std::size_t> all() const {
    std::vector<std::size_t> order(plan.trees.size());
    for (std::size_t i = 0; i < order.size(); ++i) {
      order[i] = i;
    }
    return order;
  }
};

TEST_CASE("results are the same bytes for any ranks, shards, order of commits and repeats") {
  const Fixture f;
  std::vector<std::size_t> backwards = f.all();
  std::reverse(backwards.begin(), backwards.end());
  std::vector<std::size_t> twice = f.all();
  twice.insert(twice.end(), backwards.begin(), backwards.end());

  const std::vector<std::byte> plain = f.results("plain", f.all(), 1, 100);
  mallopt(M_PERTURB, 0x5A);
  CHECK(f.results("backwards", backwards, 3, 1) == plain);
  CHECK(f.results("twice", twice, 2, 6) == plain);
  mallopt(M_PERTURB, 0);
}

TEST_CASE("what the results hold is what was committed, in plan order") {
  const Fixture f;
  std::vector<std::size_t> backwards = f.all();
  std::reverse(backwards.begin(), backwards.end());
  (void)f.results("r", backwards, 2, 4);

  const hdf5::TableFile file = hdf5::read_tables(f.temp / "r/results.h5");
  const std::vector<record::PairRow> pairs = from_table(*file.find("pairs"), record::pair_columns());
  const std::vector<record::RunRow> runs = from_table(*file.find("runs"), record::run_columns());

  REQUIRE(runs.size() == f.plan.runs.size());
  REQUIRE(pairs.size() == 3 * f.plan.runs.size());
  for (std::size_t i = 0; i < runs.size(); ++i) {
    CHECK(runs[i].run_id == f.plan.runs[i].id);
    const record::PairRow expected = example::tree(f.plan, i).pairs[2];
    CHECK(pairs[3 * i + 2].run_id == expected.run_id);
    CHECK(pairs[3 * i + 2].step == 20);
    CHECK(pairs[3 * i + 2].verification_error == expected.verification_error);
    const bool is_control = f.plan.runs[i].cell == 2;  // its accuracies are NaN
    CHECK((is_control || pairs[3 * i + 2].test.accuracy_unlearned == expected.test.accuracy_unlearned));
  }
  CHECK(file.attributes.at("format") == "unroll-results");
  CHECK(file.attributes.at("plan_id") == f.plan.id);
  CHECK(file.texts.at("numerics_key") == f.identity.numerics_key);
  CHECK(file.texts.at("scientific_config") == f.identity.scientific_text);
  CHECK(std::get<std::vector<double>>(file.find("cells")->find("train.lr")->values) ==
        std::vector<double>{0.01, 0.1, 0.01});
  for (const hdf5::Table& table : file.tables) {
    for (const hdf5::TableColumn& column : table.columns) {
      CAPTURE(table.name, column.name);
      CHECK(column.attributes.at("sha256") == column_digest(column));
      CHECK(!column.units.empty());
      CHECK(!column.long_name.empty());
    }
  }
}

TEST_CASE("the digest beside the results is that of the file, and telemetry stands beside it") {
  const Fixture f;
  const std::vector<std::byte> bytes = f.results("r", f.all(), 1, 3);
  const std::vector<std::byte> line = *read_file(f.temp / "r/results.h5.sha256");

  CHECK(std::string(reinterpret_cast<const char*>(line.data()), line.size()) ==
        sha256(std::span<const std::byte>(bytes)) + "  results.h5\n");
  const hdf5::TableFile telemetry = hdf5::read_tables(f.temp / "r/telemetry.h5");
  CHECK(telemetry.find("items")->num_rows() == f.plan.trees.size());
  CHECK(telemetry.attributes.at("study") == "example");
  CHECK(telemetry.attributes.at("model_steps_asked") == "2000");
}

TEST_CASE("a merged file that was damaged is named when another takes its place") {
  const Fixture f;
  const std::string folder = f.temp / "r";
  const std::vector<std::byte> whole = f.results("r", f.all(), 1, 3);
  const auto again = [&] { return merge(folder, f.study, f.plan).damage; };
  CHECK(again().empty());
  for (const std::string name : {"/results.h5", "/telemetry.h5"}) {
    const std::string path = folder + name, beside = path + ".sha256";
    for (const auto& damage : std::vector<std::function<void()>>{
             [&] { std::filesystem::resize_file(path, 0); },
             [&] { std::filesystem::resize_file(path, std::filesystem::file_size(path) - 1); },
             [&] { std::filesystem::remove(path); }}) {
      damage();
      const auto said = again();
      REQUIRE(said.size() == 1);
      CHECK_THAT(said[0], Catch::StartsWith(path + ": was ") && Catch::EndsWith("; written again"));
      CHECK(*read_file(folder + "/results.h5") == whole);
    }
    std::filesystem::resize_file(beside, 10);
    CHECK(again().size() == 1);
    std::filesystem::remove(beside);
    CHECK(again() == std::vector<std::string>{beside + ": was missing; written again"});
  }
  CHECK(again().empty());
}

TEST_CASE("NaNs of any bits give one file") {
  const Fixture f;
  const std::vector<std::byte> plain = f.results("plain", f.all(), 1, 100);
  prepare(f.temp / "nan", f.identity);
  Writer writer(f.temp / "nan", 0, f.identity.numerics_key);
  for (std::size_t i = 0; i < f.plan.trees.size(); ++i) {
    std::vector<record::TreeRecord> trees = {example::tree(f.plan, i)};
    for (record::PairRow& row : trees[0].pairs) {
      row.cosine = std::copysign(std::nan("0x123"), -1.0);
    }
    writer.commit(trees, {});
  }
  (void)merge(f.temp / "nan", f.study, f.plan);

  CHECK(*read_file(f.temp / "nan/results.h5") == plain);
}

TEST_CASE("unfinished runs are listed as missing") {
  const Fixture f;
  (void)f.results("r", {0, 4}, 1, 1);

  const MergeSummary summary = merge(f.temp / "r", f.study, f.plan);
  const std::vector<record::RunRow> runs =
      from_table(*hdf5::read_tables(f.temp / "r/results.h5").find("runs"), record::run_columns());

  CHECK(summary.num_runs == 2);
  CHECK(summary.num_missing_runs == 16);
  CHECK(summary.num_pairs == 6);
  CHECK(runs[0].status == "ok");
  CHECK(runs[1].status == "missing");
  CHECK(runs[1].run_id == f.plan.runs[1].id);
  CHECK(runs[1].seed == 1);
}

TEST_CASE("a folder without a finished run merges to empty tables") {
  const Fixture f;
  (void)f.results("r", {}, 1, 1);

  CHECK(hdf5::read_tables(f.temp / "r/results.h5").find("pairs")->num_rows() == 0);
}

TEST_CASE("a tree committed in parts, with M's curve in each, gives the bytes of the whole") {
  const Fixture f;
  std::vector<record::TreeRecord> parts = {example::tree(f.plan, 0), example::tree(f.plan, 1)};
  parts[1].curves = parts[0].curves;
  record::TreeRecord whole = parts[0];
  whole.runs.push_back(parts[1].runs.front());
  whole.pairs.insert(whole.pairs.begin(), parts[1].pairs.begin(), parts[1].pairs.end());
  whole.layers.insert(whole.layers.begin(), parts[1].layers.begin(), parts[1].layers.end());
  parts[1].curves.erase(parts[1].curves.begin());  // a part need not measure at every step of the whole

  const auto merged = [&](const std::string& name, const std::vector<std::span<const record::TreeRecord>>& commits) {
    prepare(f.temp / name, f.identity);
    for (std::size_t rank = 0; rank < commits.size(); ++rank) {
      Writer(f.temp / name, static_cast<int>(rank), f.identity.numerics_key).commit(commits[rank], {});
    }
    CHECK(merge(f.temp / name, f.study, f.plan).num_runs == 2);
    return *read_file(f.temp / name + "/results.h5");
  };
  const std::vector<std::byte> expected = merged("whole", {std::span(&whole, 1)});

  CHECK(merged("one shard", {parts}) == expected);
  CHECK(merged("two ranks", {std::span(&parts[0], 1), std::span(&parts[1], 1)}) == expected);
  CHECK(merged("other order", {std::span(&parts[1], 1), std::span(&parts[0], 1)}) == expected);
  CHECK(merged("part again", {std::span(&whole, 1), std::span(&parts[1], 1)}) == expected);
}

TEST_CASE("anything computed twice with other results is an error") {
  const std::vector<std::function<void(record::TreeRecord&)>> changes = {
      [](record::TreeRecord& tree) {
        tree.pairs[1].verification_error = std::nextafter(tree.pairs[1].verification_error, 1);
      },
      [](record::TreeRecord& tree) { tree.pairs[0].verification_error = -0.0; },
      [](record::TreeRecord& tree) { tree.pairs.pop_back(); },
      [](record::TreeRecord& tree) { tree.runs[0].status = "diverged"; },
      [](record::TreeRecord& tree) { tree.layers[1].relative_error = 0; },
      [](record::TreeRecord& tree) { tree.curves[2].sigma = 3; }};
  for (std::size_t i = 0; i < changes.size(); ++i) {
    const Fixture f;
    prepare(f.temp / "r", f.identity);
    Writer writer(f.temp / "r", 0, f.identity.numerics_key);
    record::TreeRecord tree = example::tree(f.plan, 0);
    writer.commit(std::span(&tree, 1), {});
    changes[i](tree);
    writer.commit(std::span(&tree, 1), {});
    INFO("change " << i);

    CHECK_THROWS_WITH(merge(f.temp / "r", f.study, f.plan), Catch::Contains("not deterministic"));
  }
}

TEST_CASE("shards of other numerics and folders of other studies are not merged") {
  const Fixture f;
  prepare(f.temp / "r", f.identity);
  Writer writer(f.temp / "r", 0, "torch=1.0");
  const std::vector<record::TreeRecord> trees = {example::tree(f.plan, 0)};
  writer.commit(trees, {});
  plan::Plan other = f.plan;
  other.id = "other";

  CHECK_THROWS_WITH(merge(f.temp / "r", f.study, f.plan), Catch::Contains("other numerics"));
  CHECK_THROWS_AS(merge(f.temp / "r", f.study, other), UsageError);
  CHECK_THROWS_AS(merge(f.temp / "missing", f.study, f.plan), UsageError);
}

TEST_CASE("cells have one column a scientific key and no operational one") {
  std::vector<config::Settings> cells(2);
  cells[1].forget.kind = config::ForgetKind::class_;
  cells[1].data.train_size = 100;

  const hdf5::Table table = cells_table(cells);

  CHECK(table.find("cell") != nullptr);
  CHECK(table.find("run.lanes") == nullptr);
  CHECK(table.find("run.threads") != nullptr);
  CHECK(std::get<std::vector<std::string>>(table.find("forget.kind")->values) ==
        std::vector<std::string>{"batch", "class"});
  CHECK(std::get<std::vector<std::int64_t>>(table.find("data.train_size")->values) ==
        std::vector<std::int64_t>{-1, 100});
}

}  // namespace
}  // namespace unroll::store
