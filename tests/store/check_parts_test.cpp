// What unroll check says of attempts, of chunks, and of what a folder belongs to.
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>

#include "example.hpp"
#include "support/catch.hpp"
#include "support/temp_folder.hpp"
#include "unroll/plan/chunk.hpp"
#include "unroll/store/attempt.hpp"
#include "unroll/store/check.hpp"
#include "unroll/store/chunks.hpp"
#include "unroll/store/events.hpp"

namespace unroll::store {
namespace {

namespace fs = std::filesystem;

std::string lines_of(const std::vector<Finding>& findings) {
  std::string text;
  for (const Finding& finding : findings) {
    text += (finding.severity == Severity::note      ? "note: "
             : finding.severity == Severity::problem ? "problem: "
                                                     : "") +
            finding.text + '\n';
  }
  return text;
}

struct Fixture {
  TempFolder temp;
  std::string folder = temp / "r";
  config::Study study = example::study();
  plan::Plan plan = example::plan(study);

  [[nodiscard]] std::string check() const { return lines_of(check_folder(folder, &plan)); }
};

void append(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary | std::ios::app) << text;
}

TEST_CASE("what is wrong with an attempt is a note that names the file") {
  const Fixture f;
  example::write(f.folder);
  const std::string attempt = f.folder + "/attempts/1";
  EventLog(f.folder, 1, 0).write("phase", "training");
  REQUIRE(f.check().empty());

  append(attempt + "/owner", "x");
  CHECK_THAT(f.check(), Catch::StartsWith("note: attempts/1/owner: is damaged"));
  fs::remove(attempt + "/owner");
  append(attempt + "/heartbeat", "x");
  append(attempt + "/events/r0.log", "rubbish\n1.5 phase merging\n");
  append(attempt + "/outcome", "\ncompl\n");
  append(f.folder + "/attempts/.tmp-1-2", "");
  const std::string said = f.check();
  CHECK_THAT(said, Catch::Contains("note: attempts/1/owner: is missing"));
  CHECK_THAT(said, Catch::Contains("note: attempts/1/heartbeat: holds 1 byte"));
  CHECK_THAT(said, Catch::Contains("note: attempts/1/events/r0.log: 1 line damaged"));
  CHECK_THAT(said, Catch::Contains("note: attempts/1/outcome: is damaged"));
  CHECK_THAT(said, Catch::Contains("note: attempts/.tmp-1-2: is left of a write"));
  CHECK_THAT(said, !Catch::Contains("problem"));
  fs::remove(attempt + "/heartbeat");
  fs::remove_all(attempt + "/events");
  CHECK_THAT(f.check(), Catch::Contains("heartbeat: is missing") && Catch::Contains("events: is missing"));
  fs::remove_all(f.folder + "/attempts");
  CHECK_THAT(f.check(), Catch::StartsWith("note: attempts/1: is missing, though journal/r00000-a0001.log is of it"));
}

TEST_CASE("a heartbeat of a time to come is named") {
  const Fixture f;
  example::write(f.folder);
  fs::last_write_time(f.folder + "/attempts/1/heartbeat", fs::file_time_type::clock::now() + std::chrono::hours(1));

  CHECK_THAT(f.check(), Catch::Contains("attempts/1/heartbeat: is of a time to come"));
}

TEST_CASE("plan.txt and numerics.txt that are damaged, lost or another plan's are problems") {
  Fixture f;
  example::write(f.folder);
  for (const std::string name : {"plan.txt", "numerics.txt"}) {
    const std::string path = f.folder + '/' + name;
    const auto size = fs::file_size(path);
    append(path, "x");
    CHECK_THAT(f.check(), Catch::StartsWith("problem: " + path + ": is damaged"));
    fs::resize_file(path, size);
    REQUIRE(f.check().empty());
  }
  fs::create_directory(f.folder + "/plans");
  append(f.folder + "/plans/1.txt", "rubbish");
  CHECK_THAT(f.check(), Catch::StartsWith("problem: plans/1.txt: is damaged"));
  fs::remove(f.folder + "/plans/1.txt");
  f.plan.id = "other";
  CHECK_THAT(f.check(), Catch::Contains("plan.txt: is of another plan"));
}

TEST_CASE("a digest beside telemetry.h5 that does not fit is named") {
  const Fixture f;
  example::write(f.folder);
  append(f.folder + "/telemetry.h5", "x");
  CHECK_THAT(f.check(), Catch::Contains("telemetry.h5: is not the file that"));
  fs::remove(f.folder + "/telemetry.h5.sha256");
  CHECK_THAT(f.check(), Catch::Contains("telemetry.h5.sha256: is missing"));
}

// Both chunks of two; a tree may be left out.
struct ChunkFixture : Fixture {
  explicit ChunkFixture(std::int64_t left_out = -1) {
    for (const std::int64_t index : {1, 2}) {
      const std::string chunk = chunk_folder(folder, index, 2);
      const auto share = plan::share_of(plan, {index, 2});
      prepare(chunk, example::identity(study, plan));
      (void)Attempt(chunk, this_process(1));
      Writer writer(chunk, 0, example::identity(study, plan).numerics_key);
      for (std::size_t tree = 0; tree < plan.trees.size(); ++tree) {
        if (share.trees[tree] && static_cast<std::int64_t>(tree) != left_out) {
          writer.commit(std::vector{example::tree(plan, tree)}, std::vector{example::telemetry(plan, tree, 0)});
        }
      }
    }
  }
};

TEST_CASE("chunks are looked at one by one, each for its share") {
  const ChunkFixture f;
  CHECK(f.check() == f.folder + "/results.h5: is not there; unroll merge writes it from what is finished\n" + f.folder +
                         "/telemetry.h5: is not there; unroll merge writes it from what is finished\n");
  (void)merge_chunks(f.folder, f.study, f.plan);
  CHECK(f.check().empty());
  CHECK(lines_of(check_folder(chunk_folder(f.folder, 2, 2), &f.plan)).empty());

  const std::string second = chunk_folder(f.folder, 2, 2);
  append(second + "/plan.txt", "x");
  const std::string shard = fs::directory_iterator(second + "/shards")->path();
  append(shard, "x");
  const std::string said = f.check();
  CHECK_THAT(said, Catch::StartsWith("problem: chunk 2 of 2: " + second + "/plan.txt: is damaged"));
  CHECK_THAT(said, Catch::Contains("problem: chunk 2 of 2: shards/" + fs::path(shard).filename().string()));
  CHECK_THAT(said, Catch::Contains("\nchunk 2 of 2: 1 of 1 run "));
  CHECK_THAT(said, !Catch::Contains("chunk 1 of 2"));
}

TEST_CASE("what chunks lack, and chunks that are not there, are left to do") {
  const ChunkFixture f(0);
  CHECK_THAT(f.check(), Catch::StartsWith("chunk 1 of 2: 1 of 17 runs"));
  fs::remove_all(chunk_folder(f.folder, 2, 2));
  CHECK_THAT(f.check(), Catch::Contains("1 of 2 chunks not begun; run each with --chunk i/2"));
}

TEST_CASE("chunks of other numerics do not fit together") {
  const ChunkFixture f;
  const std::string second = chunk_folder(f.folder, 2, 2);
  fs::remove_all(second);
  Identity other = example::identity(f.study, f.plan);
  other.numerics_key = "torch=1";
  prepare(second, other);

  CHECK_THAT(f.check(), Catch::Contains("problem: " + second + ": was computed with other numerics than"));
}

}  // namespace
}  // namespace unroll::store
