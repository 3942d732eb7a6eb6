#include "schema.hpp"

#include <algorithm>
#include <array>

#include "columns.hpp"
#include "results.hpp"
#include "unroll/base/error.hpp"
#include "unroll/base/text.hpp"

namespace unroll::store {
namespace {

struct Expected {
  hdf5::Table table;  // without rows
  bool is_required = true;
};

template <typename Row>
Expected of(const char* name, std::span<const record::Column<Row>> columns, bool is_required) {
  return {to_table<Row>(name, "", columns, {}), is_required};
}

std::vector<Expected> expected_tables(FileKind kind) {
  if (kind == FileKind::telemetry) {
    return {of("items", record::telemetry_columns(), true)};
  }
  return {{cells_table({}), true},
          of("runs", record::run_columns(), true),
          of("pairs", record::pair_columns(), true),
          of("layers", record::layer_columns(), false),
          of("curves", record::curve_columns(), false),
          of("distances", record::distance_columns(), false),
          of("floors", record::floor_columns(), false)};
}

std::string type_text(const hdf5::TableColumn& column) {
  constexpr std::array<const char*, 3> kTypes = {"64-bit integers", "float64", "text"};
  return kTypes[column.values.index()];
}

class Comparison {
 public:
  void file(const hdf5::TableFile& header, FileKind kind) {
    const std::vector<Expected> tables = expected_tables(kind);
    for (const Expected& expected : tables) {
      if (const hdf5::Table* there = header.find(expected.table.name)) {
        table(*there, expected.table);
      } else if (expected.is_required) {
        problems_.push_back("table '" + expected.table.name + "' is missing");
      }
    }
    for (const hdf5::Table& there : header.tables) {
      const auto is_it = [&](const Expected& expected) { return expected.table.name == there.name; };
      if (std::none_of(tables.begin(), tables.end(), is_it)) {
        problems_.push_back("table '" + printable(there.name) + "' is not one of this format");
      }
    }
    require(header.attributes, "plan_id", "attribute");
    if (kind == FileKind::results) {
      require(header.texts, "scientific_config", "text");
      require(header.texts, "numerics_key", "text");
    } else {
      require(header.attributes, "merged_at", "attribute");
      require(header.texts, "operational_config", "text");
    }
  }
  [[nodiscard]] std::vector<std::string> problems() && { return std::move(problems_); }

 private:
  void require(const std::map<std::string, std::string>& texts, const std::string& name, const char* what) {
    if (!texts.contains(name)) {
      problems_.push_back(std::string(what) + " '" + name + "' is missing");
    }
  }

  void table(const hdf5::Table& there, const hdf5::Table& expected) {
    const std::string place = "table '" + there.name + "': ";
    if (!there.has_scale) {
      problems_.push_back(place + "the dimension scale 'row' is missing");
    }
    for (const hdf5::TableColumn& column : expected.columns) {
      if (const hdf5::TableColumn* stored = there.find(column.name)) {
        compare(place, *stored, column);
      } else {
        problems_.push_back(place + "column '" + column.name + "' is missing");
      }
    }
    for (const hdf5::TableColumn& column : there.columns) {
      if (expected.find(column.name) == nullptr) {
        problems_.push_back(place + "column '" + printable(column.name) + "' is not one of this format");
      }
    }
  }

  void compare(const std::string& table, const hdf5::TableColumn& there, const hdf5::TableColumn& expected) {
    const std::string place = table + "column '" + there.name + "' ";
    if (there.values.index() != expected.values.index()) {
      problems_.push_back(place + "holds " + type_text(there) + ", must hold " + type_text(expected));
    }
    if (there.units != expected.units || there.long_name != expected.long_name) {
      problems_.push_back(place + "has other units or another long_name than the documented ones");
    }
    if (!there.attributes.contains("sha256")) {
      problems_.push_back(place + "has no digest (attribute sha256)");
    }
  }

  std::vector<std::string> problems_;
};

}  // namespace

FileKind kind_of(const hdf5::TableFile& header, const std::string& path) {
  const auto attribute = [&](const char* name) {
    const auto found = header.attributes.find(name);
    return found == header.attributes.end() ? std::string() : found->second;
  };
  const std::string format = attribute("format"), version = attribute("version");
  if (format != kResultsFormat && format != kTelemetryFormat) {
    throw UsageError(path + ": is an HDF5 file, but neither a results.h5 nor a telemetry.h5 of unroll");
  }
  if (version != kResultsVersion) {
    throw UsageError(path + ": is of version '" + printable(version) + "' of its format; this program knows version " +
                     kResultsVersion);
  }
  return format == kResultsFormat ? FileKind::results : FileKind::telemetry;
}

std::vector<std::string> schema_problems(const hdf5::TableFile& header, FileKind kind) {
  Comparison comparison;
  comparison.file(header, kind);
  return std::move(comparison).problems();
}

}  // namespace unroll::store
