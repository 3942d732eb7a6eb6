#include "pace.hpp"

#include "support/catch.hpp"

using unroll::schedule::Pace;

TEST_CASE("before anything was measured, work is taken to last twice what was expected") {
  CHECK(Pace().likely_s("tree", 3) == 6);
}

TEST_CASE("the slowest chunk of a key says how long others of it take") {
  Pace pace;
  pace.give(0, "tree", 10, 2, 100);
  pace.finish(0, 105);
  pace.finish(0, 140);  // 40 s for a cost of 10
  pace.give(0, "tree", 10, 1, 140);
  pace.finish(0, 150);

  CHECK(pace.likely_s("tree", 5) == 20);
}

TEST_CASE("a key that was not met yet is taken to be as slow as the slowest") {
  Pace pace;
  pace.give(0, "a", 1, 1, 0);
  pace.finish(0, 3);
  pace.give(1, "b", 1, 1, 0);
  pace.finish(1, 0.5);

  CHECK(pace.likely_s("c", 2) == 6);
  CHECK(pace.likely_s("b", 2) == 1);
}

TEST_CASE("a chunk that was given ahead starts when the one before it ends") {
  Pace pace;
  pace.give(0, "a", 1, 1, 0);
  pace.give(0, "a", 1, 1, 1);
  pace.finish(0, 8);
  pace.finish(0, 10);

  CHECK(pace.likely_s("a", 1) == 8);
}

TEST_CASE("a rank is busy for what it was given, less what has passed") {
  Pace pace;
  CHECK(pace.busy_s(0, 5) == 0);
  pace.give(0, "a", 1, 1, 0);
  pace.finish(0, 4);

  pace.give(0, "a", 2, 1, 10);
  pace.give(0, "a", 1, 1, 10);

  CHECK(pace.busy_s(0, 13) == 9);
  CHECK(pace.busy_s(0, 40) == 0);
  CHECK(pace.busy_s(1, 13) == 0);
  pace.leave(0);
  CHECK(pace.busy_s(0, 13) == 0);
}
