#include "unroll/app/progress.hpp"

#include <algorithm>
#include <sstream>

#include "support/catch.hpp"

using unroll::app::Progress;
using unroll::app::progress_line;

TEST_CASE("a progress line says done, left, rate and time to go") {
  CHECK(progress_line(0, 60, 0, 0) == "0/60 items done, 60 left");
  CHECK(progress_line(12, 60, 0, 4) == "12/60 items done, 48 left, 3 a second, 0:16 to go");
  CHECK(progress_line(1, 3601, 0, 1) == "1/3601 items done, 3600 left, 1 a second, 1:00:00 to go");
  CHECK(progress_line(60, 60, 0, 90) == "60/60 items done, 0 left, 0.67 a second, took 1:30");
}

TEST_CASE("what an earlier attempt did counts as done, but not for the rate") {
  CHECK(progress_line(40, 60, 40, 5) == "40/60 items done, 20 left");
  CHECK(progress_line(50, 60, 40, 5) == "50/60 items done, 10 left, 2 a second, 0:05 to go");
}

TEST_CASE("plain lines come seldom, but the first and the last always") {
  std::ostringstream out;
  double now = 100;
  Progress progress(out, false, [&] { return now; });

  progress(0, 10);
  now = 101;
  progress(1, 10);
  now = 105.5;
  progress(5, 10);
  now = 106;
  progress(10, 10);

  CHECK(out.str() ==
        "unroll: 0/10 items done, 10 left\n"
        "unroll: 5/10 items done, 5 left, 0.91 a second, 0:06 to go\n"
        "unroll: 10/10 items done, 0 left, 1.7 a second, took 0:06\n");
}

TEST_CASE("a terminal's line is written over and ended at the end") {
  std::ostringstream out;
  double now = 0;
  Progress progress(out, true, [&] { return now; });

  progress(0, 2);
  now = 1;
  progress(1, 2);
  now = 2;
  progress(2, 2);

  const std::string text = out.str();
  CHECK(std::count(text.begin(), text.end(), '\r') == 3);
  CHECK(std::count(text.begin(), text.end(), '\n') == 1);
  CHECK(text.back() == '\n');
}
