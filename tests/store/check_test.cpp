#include "unroll/store/check.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "columns.hpp"
#include "example.hpp"
#include "results.hpp"
#include "support/catch.hpp"
#include "support/temp_folder.hpp"
#include "unroll/base/error.hpp"

namespace unroll::store {
namespace {

namespace fs = std::filesystem;

struct Fixture {
  Fixture() { example::write(folder); }

  [[nodiscard]] std::vector<Finding> check() const { return check_folder(folder, &plan); }
  /// The only file in a folder of the results.
  [[nodiscard]] std::string first_in(const std::string& part) const {
    std::vector<std::string> paths;
    for (const auto& entry : fs::directory_iterator(folder + '/' + part)) {
      paths.push_back(entry.path().string());
    }
    return *std::min_element(paths.begin(), paths.end());
  }

  TempFolder temp;
  std::string folder = temp / "r";
  config::Study study = example::study();
  plan::Plan plan = example::plan(study);
};

void flip_bit(const std::string& path, std::uintmax_t at) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(static_cast<std::streamoff>(at));
  const char byte = static_cast<char>(file.get() ^ 4);
  file.seekp(static_cast<std::streamoff>(at));
  file.put(byte);
}

bool holds(const std::vector<Finding>& findings, Severity severity, const std::string& words) {
  return std::any_of(findings.begin(), findings.end(), [&](const Finding& one) {
    return one.severity == severity && one.text.find(words) != std::string::npos;
  });
}

std::string all(const std::vector<Finding>& findings) {
  std::string text;
  for (const Finding& finding : findings) {
    text += finding.text + '\n';
  }
  return text;
}

// A results file with other values than its plan gave; digests are those of the new values.
template <typename Change>
std::vector<Finding> check_changed(const Fixture& f, const Change& change) {
  hdf5::TableFile file = hdf5::read_tables(f.folder + "/results.h5");
  change(file);
  for (hdf5::Table& table : file.tables) {
    for (hdf5::TableColumn& column : table.columns) {
      column.attributes["sha256"] = column_digest(column);
    }
  }
  return check_file(f.temp.write("changed.h5", hdf5::to_image(file)));
}

hdf5::TableColumn& column(hdf5::TableFile& file, const std::string& table, const std::string& name) {
  return const_cast<hdf5::TableColumn&>(*file.find(table)->find(name));
}

TEST_CASE("nothing is wrong with a folder that was just merged, nor with its files") {
  const Fixture f;

  CHECK(all(f.check()).empty());
  CHECK(all(check_file(f.folder + "/results.h5")).empty());
  CHECK(all(check_file(f.folder + "/telemetry.h5")).empty());
}

TEST_CASE("a flipped bit in results.h5 is found, wherever it is") {
  const Fixture f;
  const std::string path = f.folder + "/results.h5";
  const std::uintmax_t size = fs::file_size(path);
  int num_found = 0;

  for (std::uintmax_t at = 3; at < size; at += size / 40) {
    flip_bit(path, at);
    const auto findings = f.check();
    num_found += holds(findings, Severity::problem, "results.h5") ? 1 : 0;
    flip_bit(path, at);
  }

  CHECK(num_found >= 40);
  CHECK(all(f.check()).empty());
}

TEST_CASE("a file that is no results file, or of another version, is refused") {
  const Fixture f;
  const std::string text = f.temp.write("text.h5", std::string("no HDF5"));
  hdf5::TableFile file = hdf5::read_tables(f.folder + "/results.h5");
  file.attributes["version"] = "2";
  const std::string other = f.temp.write("other.h5", hdf5::to_image(file));

  CHECK_THROWS_WITH(check_file(text), Catch::StartsWith(text + ": is not an HDF5 file"));
  CHECK_THROWS_WITH(check_file(other), Catch::Contains("is of version '2'"));
  CHECK_THROWS_AS(check_file(f.first_in("shards")), UsageError);
}

TEST_CASE("a table or column that is missing, unknown or of another type is named") {
  const Fixture f;

  CHECK(holds(check_changed(f, [](hdf5::TableFile& file) { file.tables.erase(file.tables.begin()); }),
              Severity::problem, "table 'cells' is missing"));
  CHECK(holds(check_changed(f, [](hdf5::TableFile& file) { file.tables[2].columns[5].name = "odd"; }),
              Severity::problem, "column 'odd' is not one of this format"));
  CHECK(holds(check_changed(f,
                            [](hdf5::TableFile& file) {
                              auto& steps = column(file, "pairs", "step");
                              const auto integers = std::get<std::vector<std::int64_t>>(steps.values);
                              steps.values = std::vector<double>(integers.begin(), integers.end());
                            }),
              Severity::problem, "column 'step' holds float64, must hold 64-bit integers"));
  CHECK(holds(check_changed(f, [](hdf5::TableFile& file) { column(file, "pairs", "lr").units = "m"; }),
              Severity::problem, "column 'lr' has other units"));
}

TEST_CASE("rows that are there twice, and rows of no run, are named") {
  const Fixture f;

  CHECK(holds(check_changed(f,
                            [](hdf5::TableFile& file) {
                              std::get<std::vector<std::int64_t>>(column(file, "pairs", "step").values)[1] = 0;
                            }),
              Severity::problem, "table 'pairs': row 1 repeats the run_id, step of row 0"));
  CHECK(holds(check_changed(f,
                            [](hdf5::TableFile& file) {
                              std::get<std::vector<std::string>>(column(file, "pairs", "run_id").values)[4] = "who";
                            }),
              Severity::problem, "table 'pairs': row 4 names a run that is not in 'runs'"));
  CHECK(holds(check_changed(f,
                            [](hdf5::TableFile& file) {
                              std::get<std::vector<std::int64_t>>(column(file, "pairs", "cell").values)[2] = 1;
                            }),
              Severity::problem, "table 'pairs': row 2 has another cell or seed"));
}

TEST_CASE("a text that is not UTF-8 is named") {
  const Fixture f;

  CHECK(holds(check_changed(f,
                            [](hdf5::TableFile& file) {
                              std::get<std::vector<std::string>>(column(file, "runs", "reason").values)[3] = "\xff";
                            }),
              Severity::problem, "column 'reason' of 'runs': row 3 is not UTF-8"));
}

TEST_CASE("a shard that is damaged or missing costs its runs and says so, unless others hold them") {
  const Fixture f;
  const std::string shard = f.first_in("shards");
  const fs::path kept = f.temp / "kept.h5";
  fs::copy_file(shard, kept);

  flip_bit(shard, 2000);
  CHECK(holds(f.check(), Severity::problem, "is damaged, and with it 1 run; start the study again"));
  CHECK(holds(f.check(), Severity::unfinished, "1 of 18 runs"));
  fs::remove(shard);
  CHECK(holds(f.check(), Severity::problem, "is missing, and with it 1 run"));

  Writer writer(f.folder, 0, example::identity(f.study, f.plan).numerics_key, 2);
  writer.commit(std::vector<record::TreeRecord>{example::tree(f.plan, 0)}, {});
  const auto findings = f.check();
  CHECK(holds(findings, Severity::note, "is missing; nothing to do: other shards hold its runs"));
  CHECK(!holds(findings, Severity::problem, ""));
}

TEST_CASE("a damaged journal is a note, for shards stand for themselves") {
  const Fixture f;
  flip_bit(f.first_in("journal"), 100);

  const auto findings = f.check();

  CHECK(holds(findings, Severity::note, "1 record torn or damaged"));
  CHECK(!holds(findings, Severity::problem, ""));
}

TEST_CASE("a damaged stage is named") {
  const Fixture f;
  Writer writer(f.folder, 1, example::identity(f.study, f.plan).numerics_key);
  (void)writer.commit_stage("abc", {{}, {{"name", "value"}}});
  CHECK(all(f.check()).empty());

  flip_bit(f.folder + "/stages/abc.h5", 100);

  CHECK(holds(f.check(), Severity::problem, "stages/abc.h5: is damaged; remove it"));
}

TEST_CASE("results.h5 that lacks what shards hold, or holds another plan's runs, is named") {
  Fixture f;
  fs::remove(f.folder + "/results.h5.sha256");
  CHECK(holds(f.check(), Severity::problem, "results.h5.sha256: is missing"));
  fs::remove(f.folder + "/results.h5");
  CHECK(holds(f.check(), Severity::problem, "results.h5: is not there"));

  const std::string shard = f.first_in("shards");
  const fs::path away = f.temp / "away.h5";
  fs::rename(shard, away);
  (void)merge(f.folder, f.study, f.plan);
  fs::rename(away, shard);
  CHECK(holds(f.check(), Severity::problem, "results.h5: lacks 1 run that shards hold"));

  (void)merge(f.folder, f.study, f.plan);
  f.plan.runs.pop_back();
  CHECK(holds(f.check(), Severity::problem, "its runs are not those of the plan"));
}

TEST_CASE("leftovers of writes that were cut off are notes") {
  const Fixture f;
  std::ofstream(f.folder + "/shards/.tmp-1-x.h5") << "half";

  CHECK(holds(f.check(), Severity::note, "shards/.tmp-1-x.h5: is left of a write"));
}

TEST_CASE("a folder whose every file is rubbish is a list of findings, not a crash") {
  const Fixture f;
  for (const auto& entry : fs::recursive_directory_iterator(f.folder)) {
    if (entry.is_regular_file()) {
      std::ofstream(entry.path(), std::ios::binary) << "rubbish";
    }
  }

  const auto findings = f.check();

  CHECK(holds(findings, Severity::problem, "plan.txt"));
  CHECK(holds(findings, Severity::problem, "results.h5"));
  CHECK(holds(findings, Severity::problem, "telemetry.h5"));
  CHECK(holds(findings, Severity::unfinished, "18 of 18 runs"));
}

}  // namespace
}  // namespace unroll::store
