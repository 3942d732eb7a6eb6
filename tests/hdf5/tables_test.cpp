#include "unroll/hdf5/tables.hpp"

#include <malloc.h>

#include <cmath>
#include <limits>

#include "support/catch.hpp"
#include "unroll/base/error.hpp"

namespace unroll::hdf5 {
namespace {

Table make_table(const std::string& name, std::size_t rows) {
  std::vector<std::int64_t> steps(rows);
  std::vector<double> errors(rows);
  std::vector<std::string> ids(rows);
  for (std::size_t i = 0; i < rows; ++i) {
    steps[i] = static_cast<std::int64_t>(i) - 3;
    errors[i] = 1.0 / (static_cast<double>(i) + 1);
    ids[i] = "run-" + std::to_string(i);
  }
  Table table{name, "a table", {}};
  table.columns.push_back({"step", steps, "1", "SGD steps", 0, {}});
  table.columns.push_back({"verification_error", errors, "1", "distance", 0, {{"sha256", "00ff"}}});
  table.columns.push_back({"run_id", ids, "", "", 12, {}});
  return table;
}

TableFile example(std::size_t rows) {
  return {{{"format", "test"}, {"version", "1"}},
          {make_table("pairs", rows), make_table("cells", 2)},
          {{"config", std::string(200'000, 'x')}, {"empty", ""}}};
}

void check_equal(const Table& read, const Table& written) {
  CHECK(read.name == written.name);
  CHECK(read.long_name == written.long_name);
  REQUIRE(read.columns.size() == written.columns.size());
  for (std::size_t i = 0; i < read.columns.size(); ++i) {
    CHECK(read.columns[i].name == written.columns[i].name);
    CHECK(read.columns[i].values == written.columns[i].values);
    CHECK(read.columns[i].units == written.columns[i].units);
    CHECK(read.columns[i].long_name == written.columns[i].long_name);
    CHECK(read.columns[i].text_size == written.columns[i].text_size);
    CHECK(read.columns[i].attributes == written.columns[i].attributes);
  }
}

TEST_CASE("tables of no, few and many rows come back as they were") {
  for (const std::size_t rows : {0u, 1u, 5u, 20'000u, 100'000u}) {
    CAPTURE(rows);
    const TableFile written = example(rows);

    const TableFile read = tables_from_image(to_image(written), "tables");

    CHECK(read.attributes == written.attributes);
    CHECK(read.texts == written.texts);
    REQUIRE(read.tables.size() == 2);
    check_equal(read.tables[0], written.tables[0]);
    check_equal(read.tables[1], written.tables[1]);
  }
}

TEST_CASE("equal tables give equal bytes whatever fresh memory holds") {
  mallopt(M_PERTURB, 0x55);
  const std::vector<std::byte> first = to_image(example(50'000));
  mallopt(M_PERTURB, 0xAA);
  const std::vector<std::byte> second = to_image(example(50'000));
  mallopt(M_PERTURB, 0);

  CHECK(first == second);
}

TEST_CASE("many columns share one dimension scale") {
  Table wide{"wide", "", {}};
  for (int i = 0; i < 300; ++i) {
    wide.columns.push_back({"column_" + std::to_string(i), std::vector<double>{1.0 * i}, "1", "one", 0, {}});
  }

  const TableFile read = tables_from_image(to_image(TableFile{{}, {wide}, {}}), "wide");

  REQUIRE(read.find("wide") != nullptr);
  CHECK(read.find("wide")->columns.size() == 300);
  CHECK(read.find("wide")->columns[299].name == "column_299");
}

TEST_CASE("NaN and infinities survive") {
  const std::vector<double> values = {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(),
                                      -0.0};
  const TableFile read =
      tables_from_image(to_image(TableFile{{}, {{"t", "", {{"x", values, "", "", 0, {}}}}}, {}}), "t");

  const auto& back = std::get<std::vector<double>>(read.tables.at(0).columns.at(0).values);
  CHECK(std::isnan(back.at(0)));
  CHECK(std::isinf(back.at(1)));
  CHECK(std::signbit(back.at(2)));
}

TEST_CASE("texts that do not fit, uneven columns and reserved names are refused") {
  const auto image_of = [](TableColumn extra) {
    Table table = make_table("t", 2);
    table.columns.push_back(std::move(extra));
    return to_image(TableFile{{}, {table}, {}});
  };

  CHECK_THROWS_AS(image_of({"long", std::vector<std::string>{"abcd", ""}, "", "", 3, {}}), Error);
  CHECK_THROWS_AS(image_of({"zero", std::vector<std::string>{std::string("a\0b", 3), ""}, "", "", 3, {}}), Error);
  CHECK_THROWS_AS(image_of({"uneven", std::vector<double>{1}, "", "", 0, {}}), Error);
  CHECK_THROWS_AS(image_of({"row", std::vector<double>{1, 2}, "", "", 0, {}}), Error);
  CHECK_THROWS_AS(image_of({"step", std::vector<double>{1, 2}, "", "", 0, {}}), Error);
  CHECK_THROWS_AS(image_of({"a/b", std::vector<double>{1, 2}, "", "", 0, {}}), Error);
  CHECK_NOTHROW(image_of({"fits", std::vector<std::string>{"abc", ""}, "", "", 3, {}}));
}

}  // namespace
}  // namespace unroll::hdf5
