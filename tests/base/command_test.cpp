#include "unroll/base/command.hpp"

#include <chrono>

#include "support/catch.hpp"

using unroll::output_of;

TEST_CASE("what a command prints comes back, from both streams") {
  CHECK(output_of({"echo", "two words"}, 20) == "two words\n");
  CHECK(output_of({"sh", "-c", "echo out; echo error >&2"}, 20) == "out\nerror\n");
  CHECK(output_of({"true"}, 20) == "");
}

TEST_CASE("a command that is not there, or that reads what nobody writes, gives nothing") {
  CHECK_FALSE(output_of({"no-such-command-here"}, 20).has_value());
  CHECK_FALSE(output_of({}, 20).has_value());
  CHECK(output_of({"cat"}, 20) == "");
}

TEST_CASE("a command that takes too long, or says too much, is ended") {
  const auto started = std::chrono::steady_clock::now();
  CHECK_FALSE(output_of({"sleep", "100"}, 0.2).has_value());
  CHECK_FALSE(output_of({"yes"}, 50).has_value());
  CHECK(std::chrono::steady_clock::now() - started < std::chrono::seconds(45));
}
