#include "unroll/base/text.hpp"

#include <cmath>
#include <limits>

#include "support/catch.hpp"
#include "unroll/base/wording.hpp"

using namespace unroll;

TEST_CASE("the shortest text of a double reads back to the same double") {
  CHECK(shortest(0.1) == "0.1");
  CHECK(shortest(-0.0) == "0");
  CHECK(shortest(32) == "32");
  CHECK(shortest(1e-5) == "1e-05");
  for (double value : {1.0 / 3, 2.2250738585072014e-308, 5e-324, 1.7976931348623157e308, -1e22, 0.30000000000000004}) {
    CHECK(parse_real(shortest(value)) == value);
  }
}

TEST_CASE("numbers are read whole or not at all") {
  CHECK(parse_integer("-42") == -42);
  CHECK(parse_integer("9223372036854775807") == std::numeric_limits<std::int64_t>::max());
  for (const char* bad : {"", " 1", "1 ", "+1", "1.0", "1e3", "0x10", "9223372036854775808", "one"}) {
    CHECK_FALSE(parse_integer(bad));
  }
  CHECK(parse_real("1e-3") == 0.001);
  for (const char* bad : {"", "1.0x", " 1", "1e999", "0,1", "-"}) {
    CHECK_FALSE(parse_real(bad));
  }
}

TEST_CASE("splitting keeps empty parts and joining undoes it") {
  const auto parts = split(",a,,b,", ',');

  CHECK(parts == std::vector<std::string_view>{"", "a", "", "b", ""});
  CHECK(split("", ',') == std::vector<std::string_view>{""});
  CHECK(join(std::vector<std::string>{"", "a", "", "b", ""}, ",") == ",a,,b,");
  CHECK(join(std::vector<std::int64_t>{3, -1}, " ") == "3 -1");
  CHECK(join(std::vector<double>{}, " ") == "");
}

TEST_CASE("trimming takes blanks from the ends only") {
  CHECK(trim(" \t a b\r\n") == "a b");
  CHECK(trim(" \t ") == "");
}

TEST_CASE("UTF-8 is told from other bytes") {
  CHECK(is_utf8("plain, \xC3\xA9, \xE2\x82\xAC, \xF0\x9F\x98\x80"));
  for (const char* bad :
       {"\x80", "\xC0\x80", "\xC3", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xFF", "a\xE2\x82"}) {
    CHECK_FALSE(is_utf8(bad));
  }
}

TEST_CASE("JSON strings are escaped and stay valid for any bytes") {
  CHECK(json_string("a\"b\\c\n\x01") == R"("a\"b\\c\u000a\u0001")");
  CHECK(json_string("\xC3\xA9\xFF") == "\"\xC3\xA9\\ufffd\"");
  CHECK(json_number(0.5) == "0.5");
  CHECK(json_number(std::nan("")) == "null");
}

TEST_CASE("printable text is one short line") {
  CHECK(printable("a\nb\t\x7F") == "a?b??");
  CHECK(printable(std::string(200, 'x'), 10) == "xxxxxxxxxx...");
  CHECK(printable("\xC3\xA9\xC3\xA9", 3) == "\xC3\xA9...");
}

TEST_CASE("counts and figures read as words do") {
  CHECK(counted(0, "run") == "0 runs");
  CHECK(counted(1, "run") == "1 run");
  CHECK(rounded(1234.5) == "1.23e+03");
  CHECK(rounded(0.5) == "0.5");
}

TEST_CASE("wrapped text keeps every word, its first indent and the width") {
  CHECK(wrapped("one two three", 7, 2) == "one two\n  three\n");
  CHECK(wrapped("  one  two", 80, 4) == "  one  two\n");
  CHECK(wrapped("name:      word word", 16, 11) == "name:      word\n           word\n");
  CHECK(wrapped("unbreakable", 4, 2) == "unbreakable\n");
  CHECK(wrapped("a unbreakable b", 4, 0) == "a\nunbreakable\nb\n");
  CHECK(wrapped("", 80, 2) == "\n");
}

TEST_CASE("the nearest candidate is found within the distance only") {
  const std::string_view candidates[] = {"train.lr", "train.steps", "loss.gamma"};

  CHECK(nearest("train.lt", candidates, 2) == "train.lr");
  CHECK(nearest("trian.lr", candidates, 2) == "train.lr");
  CHECK(nearest("los.gama", candidates, 2) == "loss.gamma");
  CHECK(nearest("something.else", candidates, 3).empty());
  CHECK(nearest(std::string(100000, 'x'), candidates, 3).empty());
}
