#include "unroll/store/export.hpp"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <limits>
#include <sstream>

#include "columns.hpp"
#include "example.hpp"
#include "results.hpp"
#include "support/catch.hpp"
#include "support/temp_folder.hpp"
#include "unroll/base/error.hpp"
#include "unroll/base/text.hpp"

namespace unroll::store {
namespace {

// A telemetry file of rows made for their values: the smallest file that an export takes.
std::string write_items(const TempFolder& temp, std::vector<record::TelemetryRow> rows) {
  const config::Study study = example::study();
  const hdf5::TableFile file = telemetry_file(study, example::plan(study), std::move(rows), "2026-01-01T00:00:00Z");
  return temp.write("telemetry.h5", hdf5::to_image(file));
}

record::TelemetryRow item(const std::string& host, double start_s) {
  record::TelemetryRow row;
  row.item_id = "id";
  row.kind = "tree";
  row.host = host;
  row.start_s = start_s;
  return row;
}

std::string exported(const std::string& path, const std::string& table, ExportFormat format) {
  std::ostringstream out;
  export_table(path, table, format, out);
  return out.str();
}

TEST_CASE("a table is exported as RFC 4180 with quotes where they are needed and nothing for NaN") {
  const TempFolder temp;
  const std::string path = write_items(
      temp, {item("plain", 0.1), item("a,\"b\"\nc", 2), item("é", std::numeric_limits<double>::quiet_NaN())});

  const std::string text = exported(path, "items", ExportFormat::csv);

  CHECK(text.starts_with("item_id,kind,rank,host,attempt,start_s,train_s,"));
  CHECK(text.find("\r\nid,tree,0,plain,0,0.1,0,") != std::string::npos);
  CHECK(text.find("\r\nid,tree,0,\"a,\"\"b\"\"\nc\",0,2,0,") != std::string::npos);
  CHECK(text.find("\r\nid,tree,0,é,0,,0,") != std::string::npos);
  CHECK(text.ends_with("\r\n"));
}

TEST_CASE("a table is exported as one JSON object a line with null for what JSON has not") {
  const TempFolder temp;
  const std::string path = write_items(temp, {item("a\"b", 1e300), item("x", std::numeric_limits<double>::infinity())});

  const std::string text = exported(path, "items", ExportFormat::jsonl);

  CHECK(text.starts_with(R"({"item_id":"id","kind":"tree","rank":0,"host":"a\"b","attempt":0,"start_s":1e+300,)"));
  CHECK(text.find(R"("host":"x","attempt":0,"start_s":null,)") != std::string::npos);
  CHECK(split(text, '\n').size() == 3);
}

TEST_CASE("reals are exported with digits that read back to the same bits, and -0 keeps its sign") {
  const TempFolder temp;
  std::vector<record::TelemetryRow> rows;
  const std::vector<double> values = {0.1, 1.0 / 3, -0.0, 5e-324, 1.7976931348623157e308};
  for (const double value : values) {
    rows.push_back(item("h", 1));
    rows.back().train_s = value;
    rows.back().rank = static_cast<std::int64_t>(rows.size());
  }

  const std::string text = exported(write_items(temp, rows), "items", ExportFormat::csv);

  const auto lines = split(text, '\n');
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::string field(split(lines[i + 1], ',')[6]);
    const double back = parse_real(field).value_or(7);
    CHECK(std::memcmp(&values[i], &back, sizeof back) == 0);
  }
}

TEST_CASE("all tables of a results file are exported, row by row") {
  const TempFolder temp;
  example::write(temp / "r");

  const std::string pairs = exported(temp / "r/results.h5", "pairs", ExportFormat::csv);
  const std::string cells = exported(temp / "r/results.h5", "cells", ExportFormat::jsonl);
  CHECK(std::ranges::count(pairs, '\n') == 1 + 54);
  CHECK(std::ranges::count(cells, '\n') == 3);
}

TEST_CASE("an export names the tables there are when it is asked for another") {
  const TempFolder temp;
  example::write(temp / "r");

  CHECK_THROWS_WITH(
      exported(temp / "r/results.h5", "pears", ExportFormat::csv),
      Catch::StartsWith("--table pears: ") && Catch::Contains("it has cells, runs, pairs, layers, curves"));
}

TEST_CASE("no row of a column whose values are not those of its digest is exported") {
  const TempFolder temp;
  const config::Study study = example::study();
  hdf5::TableFile file = telemetry_file(study, example::plan(study), {item("h", 1)}, "now");
  std::get<std::vector<std::int64_t>>(file.tables[0].columns[2].values)[0] = 7;
  const std::string path = temp.write("telemetry.h5", hdf5::to_image(file));
  std::ostringstream out;

  CHECK_THROWS_WITH(export_table(path, "items", ExportFormat::csv, out),
                    Catch::Contains("column 'rank' of 'items': the values are not those of its digest"));
  CHECK(out.str().empty());
}

}  // namespace
}  // namespace unroll::store
