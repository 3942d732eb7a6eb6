#include "command_line.hpp"

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
