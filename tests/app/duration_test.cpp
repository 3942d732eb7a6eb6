#include "duration.hpp"

#include "support/catch.hpp"
#include "time_limit.hpp"
#include "unroll/base/error.hpp"

using unroll::app::duration_s;
using unroll::app::parse_duration;

TEST_CASE("a time is seconds, a number with a unit, or as Slurm writes it") {
  CHECK(duration_s("90") == 90);
  CHECK(duration_s("90s") == 90);
  CHECK(duration_s("30m") == 1800);
  CHECK(duration_s("1.5h") == 5400);
  CHECK(duration_s("2d") == 172800);
  CHECK(duration_s("5:07") == 307);
  CHECK(duration_s("8:00:00") == 28800);
  CHECK(duration_s("100:00:01") == 360001);
  CHECK(duration_s("1-12:00:00") == 129600);
  CHECK(duration_s("1-12:30") == 131400);
  CHECK(duration_s("3-4") == 273600);
}

TEST_CASE("other texts are no times") {
  for (const char* text : {"", "s", "abc", "-5", "1:60", "1:2:3:4", "1::2", ":30", "UNLIMITED", "NOT_SET", "INVALID",
                           "1-", "-1", "1-2:3:4:5", "1e3", "0x10", "1 h", "nan", "9999999999:00"}) {
    INFO(text);
    CHECK_FALSE(duration_s(text).has_value());
  }
}

TEST_CASE("a time that cannot be is refused by one line that names option, value and range") {
  for (const char* text : {"soon", "0", "0.5", "400d", ""}) {
    CHECK_THROWS_WITH(parse_duration("--stop-after", text),
                      "--stop-after = " + std::string(text) +
                          ": must be a time from 1 second to 366 days, such as 90 (seconds), 30m, 8:00:00 or "
                          "1-12:00:00");
  }
  CHECK_THROWS_AS(parse_duration("--stop-after", "x"), unroll::UsageError);
  CHECK(parse_duration("--stop-after", "1") == 1);
}

TEST_CASE("a limit keeps a twentieth for the end, from a second to a minute, and half of it for the merge") {
  const std::chrono::steady_clock::time_point start{};
  for (const auto& [seconds, reserve] : {std::pair{2.0, 1.0}, {90.0, 4.5}, {86400.0, 60.0}}) {
    const auto limit = unroll::app::limit_after(start, seconds, "x");
    CHECK(limit.reserve_s == reserve);
    CHECK(std::chrono::duration<double>(limit.end - start).count() == Approx(seconds));
    CHECK(std::chrono::duration<double>(limit.end - unroll::app::last_moment(limit)).count() == Approx(reserve / 2));
  }
}
