#include "command_line.hpp"

#include "size_text.hpp"
#include "support/catch.hpp"
#include "unroll/app/prepare.hpp"
#include "unroll/base/error.hpp"

using unroll::UsageError;
using unroll::app::parse;
using unroll::app::parse_run;
using unroll::app::Parsed;
using unroll::app::Syntax;

namespace {

const Syntax kSyntax{.command = "demo", .words = {"FILE"}, .flags = {"--json"}, .values = {"--set", "--output"}};

}  // namespace

TEST_CASE("words, flags and options are told apart in any order") {
  const Parsed parsed = parse(kSyntax, {"--set", "a=1", "file", "--json", "--set=b=2"});

  CHECK(parsed.words == std::vector<std::string>{"file"});
  CHECK(parsed.flags.contains("--json"));
  CHECK(parsed.all("--set") == std::vector<std::string>{"a=1", "b=2"});
  CHECK(parsed.all("--output").empty());
}

TEST_CASE("the value of an option may look like an option, or be empty") {
  CHECK(parse(kSyntax, {"f", "--output", "--json"}).one(kSyntax, "--output") == "--json");
  CHECK(parse(kSyntax, {"f", "--output="}).one(kSyntax, "--output").empty());
}

TEST_CASE("wrong use names the command, what is wrong, and where to read more") {
  CHECK_THROWS_WITH(parse(kSyntax, {}), Catch::Contains("demo: FILE is missing; see unroll demo --help"));
  CHECK_THROWS_WITH(parse(kSyntax, {"a", "b"}), Catch::Contains("unexpected word b"));
  CHECK_THROWS_WITH(parse(kSyntax, {"a", "--jsn"}),
                    Catch::Contains("unknown option --jsn") && Catch::Contains("--json"));
  CHECK_THROWS_WITH(parse(kSyntax, {"a", "--set"}), Catch::Contains("--set needs a value"));
  CHECK_THROWS_WITH(parse(kSyntax, {"a", "--json=1"}), Catch::Contains("--json takes no value"));
  CHECK_THROWS_WITH(parse(kSyntax, {"a"}).one(kSyntax, "--output"), Catch::Contains("--output is missing"));
  CHECK_THROWS_WITH(parse(kSyntax, {"a", "--output=x", "--output=y"}).one(kSyntax, "--output"),
                    Catch::Contains("more than once"));
}

TEST_CASE("the arguments of run are the study, one output and any number of settings") {
  const auto run = parse_run({"s.ini", "--output", "out", "--set", "train.lr=0.1,0.2", "--set", "study.seeds=0"});

  CHECK(run.study == "s.ini");
  CHECK(run.output == "out");
  CHECK(run.sets == std::vector<std::string>{"train.lr=0.1,0.2", "study.seeds=0"});
  CHECK_THROWS_AS(parse_run({"s.ini"}), UsageError);
  CHECK_THROWS_AS(parse_run({"s.ini", "--output", "o", "--set", "a=1\nb=2"}), UsageError);
}

TEST_CASE("a cache has a folder and a limit of 20 GB unless another is given") {
  const auto plain = parse_run({"s.ini", "--output", "o"});
  const auto cached = parse_run({"s.ini", "--output", "o", "--cache", "c"});
  const auto limited = parse_run({"s.ini", "--output", "o", "--cache", "c", "--cache-limit", "1.5GiB"});

  CHECK(!plain.cache);
  CHECK(cached.cache->folder == "c");
  CHECK(cached.cache->limit_bytes == 20'000'000'000);
  CHECK(limited.cache->limit_bytes == 1'610'612'736);
  CHECK_THROWS_WITH(parse_run({"s.ini", "--output", "o", "--cache-limit", "1G"}), Catch::Contains("not given"));
}

TEST_CASE("a size is a number with a unit, decimal or binary, in any case") {
  using unroll::app::parse_size;
  CHECK(parse_size("--o", "1") == 1);
  CHECK(parse_size("--o", "500M") == 500'000'000);
  CHECK(parse_size("--o", "20gb") == 20'000'000'000);
  CHECK(parse_size("--o", "0.5 kB") == 500);
  CHECK(parse_size("--o", "64KiB") == 65'536);
  CHECK(parse_size("--o", "2Ti") == 2'199'023'255'552);
  for (const char* bad :
       {"", "0", "0.9", "-1", "G", "20X", "1e9", "nan", "inf", "1GG", "1 G B", "1001P", "1..5G", "+1"}) {
    CAPTURE(bad);
    CHECK_THROWS_WITH(parse_size("--cache-limit", bad), Catch::Contains("--cache-limit = " + std::string(bad) + ":"));
  }
}

TEST_CASE("sizes are said in three digits at most") {
  CHECK(unroll::app::size_text(0) == "0 B");
  CHECK(unroll::app::size_text(999) == "999 B");
  CHECK(unroll::app::size_text(999'700) == "1 MB");
  CHECK(unroll::app::size_text(1.536e9) == "1.54 GB");
}
