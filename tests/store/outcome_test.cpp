#include "unroll/store/outcome.hpp"

#include "support/catch.hpp"

using unroll::store::Outcome;
using unroll::store::outcome_line;
using unroll::store::read_outcome;
using Kind = Outcome::Kind;

TEST_CASE("each outcome is one line, and reads back") {
  for (const auto& [outcome, line] :
       {std::pair{Outcome{Kind::complete, 0, ""}, "complete"},
        {Outcome{Kind::failed, 12, ""}, "failed 12"},
        {Outcome{Kind::incomplete, 0, "--stop-after 3600"}, "incomplete --stop-after 3600"},
        {Outcome{Kind::error, 0, "a: b\nc"}, "error a: b?c"}}) {
    CHECK(outcome_line(outcome) == line);
    const auto read = read_outcome(line);
    REQUIRE(read);
    CHECK(read->kind == outcome.kind);
    CHECK(read->num_failed == outcome.num_failed);
    CHECK(outcome_line(*read) == line);
  }
}

TEST_CASE("other lines are no outcome") {
  for (const char* line : {"", "done", "failed", "failed x", "failed -1", "completed", " complete"}) {
    CHECK_FALSE(read_outcome(line).has_value());
  }
}
