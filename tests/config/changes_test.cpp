#include "unroll/config/changes.hpp"

#include "support/catch.hpp"

using unroll::config::changes;

TEST_CASE("equal texts have no changes") { CHECK(changes("a=1\nb=2\n", "a=1\nb=2\n").empty()); }

TEST_CASE("a key is shown with what it was and what it is") {
  CHECK(changes("a=1\nb=2, 3\nc=x=y\n", "a=1\nb=2\nc=x=z\n") == "b: 2, 3 -> 2, c: x=y -> x=z");
}

TEST_CASE("a key that comes or goes is not set on the other side") {
  CHECK(changes("a=1\n", "a=1\nb=2\n") == "b: not set -> 2");
  CHECK(changes("a=1\nb=2\n", "a=1\n") == "b: 2 -> not set");
}

TEST_CASE("a key that becomes an axis is shown with all its values") {
  CHECK(changes("a=1\nb=2\n", "a=1\ncell b=2 c.d=[1 2]\ncell b=3 c.d=[1 2]\n") ==
        "b: 2 -> 2, 3, c.d: not set -> [1 2]");
}

TEST_CASE("other combinations of the same values are a change") {
  CHECK(changes("cell a=1 b=1\ncell a=2 b=2\n", "cell a=1 b=1\ncell a=1 b=2\ncell a=2 b=2\n") ==
        "other combinations of the same values");
}

TEST_CASE("many changes are cut, and counted") {
  CHECK(changes("a=1\nb=1\nc=1\n", "a=2\nb=2\nc=2\n", 2) == "a: 1 -> 2, b: 1 -> 2 and 1 more keys");
}
