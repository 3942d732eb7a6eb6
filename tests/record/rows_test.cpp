#include "unroll/record/rows.hpp"

#include <cmath>
#include <cstring>
#include <set>

#include "support/catch.hpp"

namespace unroll::record {
namespace {

template <typename Row>
Value get(const Column<Row>& column, const Row& row) {
  return std::visit([&](auto function) { return Value(function(row)); }, column.get);
}

// A value that no other column has.
template <typename Row>
Value distinct(const Column<Row>& column, std::size_t index) {
  const auto number = static_cast<std::int64_t>(index) + 100;
  if (column.get.index() == 0) {
    return number;
  }
  return column.get.index() == 1 ? Value(static_cast<double>(number) + 0.5) : Value(std::to_string(number));
}

// Undefined reals among the words of the row's memory: strings hold pointers, sizes and text, never this pattern.
template <typename Row>
std::size_t count_undefined(const Row& row) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(&row);
  std::size_t count = 0;
  for (std::size_t at = 0; at + sizeof(double) <= sizeof(Row); at += sizeof(double)) {
    count += std::memcmp(bytes + at, &kUndefined, sizeof(double)) == 0 ? 1 : 0;
  }
  return count;
}

template <typename Row>
void check_table(std::span<const Column<Row>> columns, bool reals_start_undefined) {
  Row row;
  std::set<std::string_view> names;
  std::size_t size = 0, num_reals = 0;
  for (const Column<Row>& column : columns) {
    CAPTURE(column.name);
    CHECK(names.insert(column.name).second);
    CHECK(!column.units.empty());
    CHECK(!column.long_name.empty());
    CHECK((column.text_size > 0) == (column.get.index() == 2));
    size += column.get.index() == 2 ? sizeof(std::string) : sizeof(std::int64_t);
    num_reals += column.get.index() == 1 ? 1 : 0;
  }
  CHECK(size == sizeof(Row));  // a member without a column, or a column for none, shows here
  if (reals_start_undefined) {
    CHECK(count_undefined(row) == num_reals);
  }

  for (std::size_t i = 0; i < columns.size(); ++i) {
    columns[i].set(row, distinct(columns[i], i));
  }

  CHECK(count_undefined(row) == 0);
  for (std::size_t i = 0; i < columns.size(); ++i) {
    CAPTURE(columns[i].name);
    CHECK(get(columns[i], row) == distinct(columns[i], i));
  }
}

TEST_CASE("every member of every row has one column that reads and writes it and no other") {
  check_table(pair_columns(), true);
  check_table(layer_columns(), true);
  check_table(curve_columns(), true);
  check_table(run_columns(), true);
  check_table(twin_columns(), true);
  check_table(distance_columns(), true);
  check_table(floor_columns(), true);
  check_table(telemetry_columns(), false);
}

TEST_CASE("the variants of the unlearning error are named by what they are") {
  CHECK(unlearning_error_name(0) == "unlearning_error");
  CHECK(unlearning_error_name(1) == "ue_abs_half_eta2_rolling");
  CHECK(unlearning_error_name(2) == "ue_abs_half_eta1");
  CHECK(unlearning_error_name(4) == "ue_abs_full_eta2");
  CHECK(unlearning_error_name(8) == "unlearning_error_published");
  CHECK(unlearning_error_name(15) == "ue_sqrt_full_eta1_rolling");
  CHECK_THROWS(unlearning_error_name(16));
}

TEST_CASE("an unlearning error's column carries its own member") {
  PairRow row;
  for (int i = 0; i < kNumUnlearningErrors; ++i) {
    row.unlearning_error[i] = i;
  }
  for (const Column<PairRow>& column : pair_columns()) {
    for (int i = 0; i < kNumUnlearningErrors; ++i) {
      if (column.name == unlearning_error_name(i)) {
        CHECK(std::get<double>(get(column, row)) == i);
      }
    }
  }
}

TEST_CASE("free text is cut between characters, ids are not") {
  RunRow row;
  row.reason = std::string(252, 'a') + "\xc3\xb6\xc3\xb6\xc3\xb6";
  row.run_id = std::string(100, 'f');
  for (const Column<RunRow>& column : run_columns()) {
    if (column.name == "reason") {
      CHECK(std::get<std::string>(get(column, row)) == std::string(252, 'a') + "...");
    }
    if (column.name == "run_id") {
      CHECK(std::get<std::string>(get(column, row)) == row.run_id);
    }
  }
}

}  // namespace
}  // namespace unroll::record
