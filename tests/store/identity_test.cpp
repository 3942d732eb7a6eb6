// plan.txt and numerics.txt that are damaged or lost: written again where the shards say whose they are, and only
// there.
#include "identity.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "example.hpp"
#include "support/catch.hpp"
#include "support/temp_folder.hpp"
#include "unroll/base/error.hpp"

namespace unroll::store {
namespace {

namespace fs = std::filesystem;

struct Fixture {
  TempFolder temp;
  std::string folder = temp / "results";
  config::Study study = example::study();
  plan::Plan plan = example::plan(study);
  Identity identity = example::identity(study, plan);

  Fixture() { prepare(folder, identity); }
  void commit(std::size_t tree) const {
    Writer(folder, 0, identity.numerics_key).commit(std::vector{example::tree(plan, tree)}, {});
  }
};

std::string text_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void write(const std::string& path, const std::string& text) { std::ofstream(path, std::ios::binary) << text; }

TEST_CASE("a flipped bit in any byte of plan.txt and numerics.txt is seen") {
  const Fixture f;
  for (const std::string& path : {plan_path(f.folder), numerics_path(f.folder)}) {
    const std::string whole = text_of(path);
    for (std::size_t byte = 0; byte < whole.size(); ++byte) {
      std::string text = whole;
      text[byte] = static_cast<char>(text[byte] ^ (1 << byte % 8));
      write(path, text);
      CAPTURE(path, byte);
      REQUIRE_THROWS_AS(read_identity(f.folder), UsageError);
    }
    write(path, whole);
  }
  CHECK(read_identity(f.folder)->scientific_text == f.identity.scientific_text);
}

TEST_CASE("a plan or numerics that is damaged or lost is written again where the shards are of this study") {
  const Fixture f;
  f.commit(0);
  for (const std::string& path : {plan_path(f.folder), numerics_path(f.folder)}) {
    const std::string whole = text_of(path);
    for (const std::size_t size : {std::size_t{0}, whole.size() / 2, whole.size() - 1}) {
      write(path, whole.substr(0, size));
      const auto damage = prepare(f.folder, f.identity);
      REQUIRE(damage.size() == 1);
      CHECK_THAT(damage[0], Catch::StartsWith(path + ": was damaged; written again"));
      CHECK(text_of(path) == whole);
    }
    fs::remove(path);
    CHECK_THAT(prepare(f.folder, f.identity).at(0), Catch::StartsWith(path + ": was missing; written again"));
    CHECK(text_of(path) == whole);
  }
  CHECK(prepare(f.folder, f.identity).empty());
}

TEST_CASE("without its plan a folder is not taken for another study's, nor for other numerics") {
  const Fixture f;
  f.commit(0);
  Identity other_plan = f.identity, other_numerics = f.identity;
  other_plan.plan_id = "other";
  other_numerics.numerics_key = "torch=1";

  fs::remove(plan_path(f.folder));
  CHECK_THROWS_WITH(prepare(f.folder, other_plan), Catch::Contains("plan.txt: is missing") &&
                                                       Catch::Contains("is of another study") &&
                                                       Catch::Contains("--output"));
  CHECK_THROWS_WITH(prepare(f.folder, other_plan, OtherStudy::extend), Catch::Contains("without --extend"));
  write(numerics_path(f.folder), "rubbish");
  CHECK_THROWS_WITH(prepare(f.folder, other_numerics), Catch::Contains("is of other numerics"));
  CHECK(!fs::exists(plan_path(f.folder)));
  CHECK(text_of(numerics_path(f.folder)) == "rubbish");
  CHECK(prepare(f.folder, f.identity).size() == 2);
}

TEST_CASE("weights of unknown numerics are nobody's") {
  const Fixture f;
  (void)Writer(f.folder, 0, f.identity.numerics_key).commit_stage("s", {{}, {{"name", "value"}}});

  fs::remove(plan_path(f.folder));
  CHECK(prepare(f.folder, f.identity).size() == 1);  // numerics.txt says what computed them
  fs::remove(numerics_path(f.folder));
  CHECK_THROWS_WITH(prepare(f.folder, f.identity), Catch::Contains("numerics.txt: is missing, and no run is finished"));
  write(numerics_path(f.folder), numerics_text(f.identity));
  f.commit(0);
  fs::remove(numerics_path(f.folder));
  CHECK(prepare(f.folder, f.identity).size() == 1);
}

TEST_CASE("a start that was cut off before plan.txt is no damage") {
  const Fixture f;
  fs::remove(plan_path(f.folder));
  Identity other = f.identity;
  other.numerics_key = "torch=1";

  CHECK(prepare(f.folder, other).empty());
  CHECK(read_identity(f.folder)->numerics_key == "torch=1");
}

TEST_CASE("shards of the plan that was extended vouch too") {
  const Fixture f;
  f.commit(0);
  const config::Study larger = example::study(7);
  const plan::Plan larger_plan = example::plan(larger);
  const Identity extended = example::identity(larger, larger_plan);
  CHECK(prepare(f.folder, extended, OtherStudy::extend).empty());
  CHECK(earlier_plan_ids(f.folder) == std::set<std::string>{f.identity.plan_id});

  write(plan_path(f.folder), "");
  CHECK(prepare(f.folder, extended).size() == 1);
  write(plans_folder(f.folder) + "/1.txt", "rubbish");
  CHECK(damaged_plans(f.folder) == std::vector<std::string>{"1.txt"});
}

}  // namespace
}  // namespace unroll::store
