// A folder of results: whose it is, what is finished in it, and what survives damage.
#include <sys/mount.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "example.hpp"
#include "faulty_door.hpp"
#include "support/catch.hpp"
#include "support/temp_folder.hpp"
#include "unroll/base/error.hpp"

namespace unroll::store {
namespace {

struct Fixture {
  TempFolder temp;
  std::string folder = temp / "results";
  config::Study study = example::study();
  plan::Plan plan = example::plan(study);
  Identity identity = example::identity(study, plan);

  void commit(Writer& writer, std::size_t tree) const {
    const std::vector<record::TreeRecord> trees = {example::tree(plan, tree)};
    const std::vector<record::TelemetryRow> telemetry = {example::telemetry(plan, tree, 0)};
    writer.commit(trees, telemetry);
  }
  [[nodiscard]] std::unordered_set<std::string> runs(const std::vector<std::size_t>& indices) const {
    std::unordered_set<std::string> ids;
    for (const std::size_t index : indices) {
      ids.insert(plan.runs[index].id);
    }
    return ids;
  }
  [[nodiscard]] std::vector<std::filesystem::path> files(const std::string& part) const {
    std::vector<std::filesystem::path> paths;
    for (const auto& entry : std::filesystem::directory_iterator(folder + "/" + part)) {
      paths.push_back(entry.path());
    }
    std::sort(paths.begin(), paths.end());
    return paths;
  }
};

void append(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::app) << bytes;
}

void flip_byte(const std::filesystem::path& path, std::streamoff at) {
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekg(at);
  const int byte = file.get();
  file.seekp(at);
  file.put(static_cast<char>(byte ^ 0x10));
}

std::string refusal(const std::string& folder, const Identity& identity) {
  try {
    prepare(folder, identity);
  } catch (const UsageError& error) {
    const std::string message = error.what();
    CHECK(message.find('\n') == std::string::npos);
    return message;
  }
  return "accepted";
}

hdf5::ArrayFile stage(unsigned char value) {
  return {{{"fc.bias", hdf5::ElementType::uint8, {1}, {std::byte{value}}}}, {{"kind", "pretraining"}}};
}

TEST_CASE("preparing again is no change") {
  const Fixture f;
  prepare(f.folder, f.identity);
  prepare(f.folder, f.identity);

  CHECK(finished(f.folder).runs.empty());
  CHECK(finished(f.folder).stages.empty());
  CHECK(std::filesystem::exists(f.folder + "/plan.txt"));
  CHECK(!std::filesystem::exists(f.folder + "/.tmp-probe"));
}

TEST_CASE("a folder of another study is refused with the lines that differ") {
  const Fixture f;
  prepare(f.folder, f.identity);
  config::Study other = f.study;
  other.cells[0].train.lr = 0.02;
  const Identity changed = example::identity(other, example::plan(other));
  Identity other_data = f.identity;
  other_data.plan_id = "other";
  Identity other_numerics = f.identity;
  other_numerics.numerics_key = "torch=2.11.0;isa=AVX512;threads=1";

  CHECK_THAT(refusal(f.folder, changed), Catch::Contains("another study"));
  CHECK_THAT(refusal(f.folder, changed), Catch::Contains("train.lr") && Catch::Contains("0.02"));
  CHECK_THAT(refusal(f.folder, other_data), Catch::Contains("other data"));
  CHECK_THAT(refusal(f.folder, other_numerics), Catch::Contains("there: isa=AVX2; here: isa=AVX512"));
}

TEST_CASE("a folder that cannot be written is refused and nothing is left behind") {
  const Fixture f;
  FileDoor door;
  door.replace(f.temp / "file", "x");

  CHECK_THAT(refusal(f.temp / "file/below", f.identity), Catch::Contains("Not a directory"));
  CHECK_THAT(refusal(f.temp / "file", f.identity), Catch::Contains("Not a directory"));
  CHECK_THAT(refusal("/proc/unroll", f.identity), Catch::Contains("/proc/unroll"));
  for (const Call call : {Call::open, Call::write, Call::fsync, Call::close, Call::rename, Call::mkdir}) {
    FaultyDoor faulty;
    faulty.fail(call, ENOSPC);
    CAPTURE(static_cast<int>(call));
    CHECK_THROWS_AS(prepare(f.temp / "new/deep", f.identity, OtherStudy::refuse, faulty), UsageError);
    CHECK(!std::filesystem::exists(f.temp / "new"));
  }
  for (int number = 1; number <= 5; ++number) {
    FaultyDoor faulty;
    faulty.fail_mkdir_number(number, EROFS);
    CHECK_THROWS_AS(prepare(f.temp / "new/deep", f.identity, OtherStudy::refuse, faulty), UsageError);
    CHECK(!std::filesystem::exists(f.temp / "new"));
  }
}

TEST_CASE("a read-only mount is refused") {
  const Fixture f;
  const std::string mount_point = f.temp / "mount";
  std::filesystem::create_directories(mount_point);
  if (mount("none", mount_point.c_str(), "tmpfs", MS_RDONLY, nullptr) != 0) {
    WARN("skipped: this test needs the right to mount");
    return;
  }

  CHECK_THAT(refusal(mount_point + "/results", f.identity), Catch::Contains("Read-only file system"));
  CHECK_THAT(refusal(mount_point, f.identity), Catch::Contains("Read-only file system"));
  umount(mount_point.c_str());
}

TEST_CASE("committed trees and stages are finished, also for the next attempt") {
  const Fixture f;
  prepare(f.folder, f.identity);
  std::string digest;
  {
    Writer writer(f.folder, 0, f.identity.numerics_key);
    f.commit(writer, 0);
    digest = writer.commit_stage("pretraining-1", stage(7));
  }
  Writer again(f.folder, 0, f.identity.numerics_key, 2);
  f.commit(again, 1);

  const Finished done = finished(f.folder);

  CHECK(done.runs == f.runs({0, 1}));
  CHECK(done.stages == std::map<std::string, std::string>{{"pretraining-1", digest}});
  CHECK(f.files("journal").size() == 2);
}

TEST_CASE("a damaged or missing shard costs its own runs only") {
  const Fixture f;
  prepare(f.folder, f.identity);
  Writer writer(f.folder, 0, f.identity.numerics_key);
  for (std::size_t tree = 0; tree < 4; ++tree) {
    f.commit(writer, tree);
  }
  const std::vector<std::filesystem::path> shards = f.files("shards");
  flip_byte(shards[0], 3000);
  std::filesystem::remove(shards[1]);
  std::filesystem::resize_file(shards[2], 100);

  CHECK(finished(f.folder).runs == f.runs({3}));
}

TEST_CASE("shards stand without their journal, and a torn journal is read up to the tear") {
  const Fixture f;
  prepare(f.folder, f.identity);
  Writer writer(f.folder, 0, f.identity.numerics_key);
  f.commit(writer, 0);
  f.commit(writer, 1);
  append(f.files("journal").front(), "\nshard r0");

  CHECK(finished(f.folder).runs == f.runs({0, 1}));
  std::filesystem::remove(f.files("journal").front());
  CHECK(finished(f.folder).runs == f.runs({0, 1}));
}

TEST_CASE("temporary files of a killed writer are no results") {
  const Fixture f;
  prepare(f.folder, f.identity);
  append(f.folder + "/shards/.tmp-123-r00000-a0001-000001-x.h5", "half a shard");
  append(f.folder + "/shards/foreign.h5", "not ours");
  append(f.folder + "/stages/.tmp-123-stage.h5", "half a stage");

  CHECK(finished(f.folder).runs.empty());
  CHECK(finished(f.folder).stages.empty());
}

TEST_CASE("a stage is read by its digest only, and waited for") {
  const Fixture f;
  prepare(f.folder, f.identity);
  Writer writer(f.folder, 3, f.identity.numerics_key);
  const std::string digest = writer.commit_stage("s", stage(7));

  REQUIRE(read_stage(f.folder, "s", digest, 0));
  CHECK(read_stage(f.folder, "s", digest, 0)->arrays.at(0).bytes.at(0) == std::byte{7});
  CHECK(read_stage(f.folder, "s", digest, 0)->attributes.at("kind") == "pretraining");
  CHECK(!read_stage(f.folder, "s", "1:" + std::string(64, '0'), 0.1));
  CHECK(!read_stage(f.folder, "missing", digest, 0.1));
  flip_byte(f.folder + "/stages/s.h5", 500);
  CHECK(!read_stage(f.folder, "s", digest, 0));
  CHECK(finished(f.folder).stages.empty());
  CHECK_THROWS_AS(read_stage(f.folder, "../plan", digest, 0), Error);
}

TEST_CASE("a stage computed twice with other bytes is an error, with the same bytes it is not") {
  const Fixture f;
  prepare(f.folder, f.identity);
  Writer first(f.folder, 0, f.identity.numerics_key), second(f.folder, 1, f.identity.numerics_key);
  CHECK(first.commit_stage("s", stage(7)) == second.commit_stage("s", stage(7)));

  CHECK(finished(f.folder).stages.size() == 1);
  (void)second.commit_stage("s", stage(8));
  CHECK_THROWS_WITH(finished(f.folder), Catch::Contains("not deterministic"));
}

TEST_CASE("a commit that the disk refuses leaves what was committed before, and can be repeated") {
  const Fixture f;
  prepare(f.folder, f.identity);
  auto owned = std::make_unique<FaultyDoor>();
  FaultyDoor& door = *owned;
  Writer writer(f.folder, 0, f.identity.numerics_key, std::move(owned));
  f.commit(writer, 0);
  door.fail(Call::write, ENOSPC);

  CHECK_THROWS_AS(f.commit(writer, 1), FileError);

  CHECK(finished(f.folder).runs.size() == 1);
  door.heal();
  f.commit(writer, 1);
  CHECK(finished(f.folder).runs.size() == 2);
}

}  // namespace
}  // namespace unroll::store
