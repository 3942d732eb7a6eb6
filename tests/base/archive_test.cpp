#include "unroll/base/archive.hpp"

#include <cmath>
#include <cstring>
#include <limits>

#include "support/catch.hpp"
#include "unroll/base/error.hpp"

namespace {

using unroll::Archive;

enum class Colour { red, green };

struct Inner {
  std::string name;
  std::vector<double> values;
  void transfer(Archive& archive) { archive(name, values); }
};

struct Everything {
  bool flag = false;
  std::int64_t number = 0;
  double real = 0;
  Colour colour = Colour::red;
  std::vector<std::string> texts;
  std::optional<std::int64_t> none, some;
  std::map<std::string, Inner> inner;
  std::pair<int, std::string> pair;
  std::vector<std::byte> bytes;
  void transfer(Archive& archive) { archive(flag, number, real, colour, texts, none, some, inner, pair, bytes); }
};

Everything sample() {
  Everything value;
  value.flag = true;
  value.number = -7;
  value.real = -0.0;
  value.colour = Colour::green;
  value.texts = {"", "two", std::string("nul\0inside", 10)};
  value.some = 5;
  value.inner["a"] = {"x", {1, std::numeric_limits<double>::quiet_NaN()}};
  value.pair = {3, "three"};
  value.bytes = {std::byte{1}, std::byte{255}};
  return value;
}

std::vector<std::byte> saved(Everything value) {
  Archive archive;
  archive(value);
  return archive.take();
}

}  // namespace

TEST_CASE("what an archive took it gives back, bit for bit, over what was there") {
  const auto bytes = saved(sample());
  Everything back;
  back.none = 9;
  back.inner["old"] = {"y", {}};
  Archive archive{std::span<const std::byte>(bytes)};
  archive(back);
  archive.finish();
  CHECK(back.flag);
  CHECK(back.number == -7);
  CHECK(std::signbit(back.real));
  CHECK(back.colour == Colour::green);
  CHECK(back.texts == sample().texts);
  CHECK_FALSE(back.none);
  CHECK(back.some == 5);
  REQUIRE(back.inner.size() == 1);
  CHECK(back.inner["a"].name == "x");
  CHECK(std::isnan(back.inner["a"].values.at(1)));
  CHECK(back.pair == std::pair<int, std::string>{3, "three"});
  CHECK(saved(back) == bytes);
}

TEST_CASE("bytes that end early, at any place, are an error, and so are those that are left") {
  const auto bytes = saved(sample());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    Archive archive{std::span(bytes).first(size)};
    Everything value;
    CHECK_THROWS_AS(archive(value), unroll::Error);
  }
  auto longer = bytes;
  longer.push_back(std::byte{0});
  Archive archive{std::span<const std::byte>(longer)};
  Everything value;
  archive(value);
  CHECK_THROWS_AS(archive.finish(), unroll::Error);
}

TEST_CASE("a size that the bytes cannot hold is refused before memory is asked for") {
  Archive saving;
  std::uint64_t huge = std::uint64_t{1} << 60;
  saving(huge);
  const auto bytes = saving.take();
  Archive archive{std::span<const std::byte>(bytes)};
  std::vector<double> values;
  CHECK_THROWS_WITH(archive(values), Catch::Contains("not there"));
}
