#include "report_data.hpp"

#include <algorithm>

#include "columns.hpp"
#include "results.hpp"
#include "unroll/base/error.hpp"
#include "unroll/base/text.hpp"
#include "unroll/hdf5/walk.hpp"

namespace unroll::store {
namespace {

std::string value_text(const hdf5::TableColumn& column, std::size_t row) {
  if (const auto* integers = std::get_if<std::vector<std::int64_t>>(&column.values)) {
    return std::to_string((*integers)[row]);
  }
  if (const auto* reals = std::get_if<std::vector<double>>(&column.values)) {
    return shortest((*reals)[row]);
  }
  return printable(std::get<std::vector<std::string>>(column.values)[row]);
}

// Unset or not acting in this cell (see cells_table).
bool is_unset(const std::string& text) { return text.empty() || text == "-1" || text == "nan"; }

// True when cells have different values; those in which the key does not act do not count.
bool differs(const hdf5::TableColumn& column, std::size_t rows) {
  std::string first;
  for (std::size_t row = 0; row < rows; ++row) {
    const std::string text = value_text(column, row);
    if (!is_unset(text) && !first.empty() && text != first) {
      return true;
    }
    first = is_unset(text) ? first : text;
  }
  return false;
}

// A child reads it first (hdf5/walk.hpp): results may come from anybody.
hdf5::TableFile read_walked(const std::string& path, const hdf5::ColumnFilter& is_wanted) {
  hdf5::walk_tables(path, is_wanted);
  return hdf5::read_tables(path, is_wanted);
}

void require_digests(const std::string& path, const hdf5::TableFile& file) {
  for (const hdf5::Table& table : file.tables) {
    for (const hdf5::TableColumn& column : table.columns) {
      const auto digest = column.attributes.find("sha256");
      if (digest == column.attributes.end() || digest->second != column_digest(column)) {
        throw UsageError(path + ": column '" + column.name + "' of '" + table.name +
                         "' is damaged: its values are not those of its digest; see unroll check");
      }
    }
  }
}

// "lr" for "train.lr", unless another axis ends so too.
std::string short_name(const std::string& name, const std::vector<const hdf5::TableColumn*>& axes) {
  const std::string last = name.substr(name.find('.') + 1);
  const auto same = std::count_if(
      axes.begin(), axes.end(), [&](const auto* axis) { return axis->name.substr(axis->name.find('.') + 1) == last; });
  return same > 1 ? name : last;
}

}  // namespace

template <typename Values>
const Values& Results::values(const std::string& table, const std::string& column) const {
  const hdf5::Table* found = file_.find(table);
  const hdf5::TableColumn* values = found == nullptr ? nullptr : found->find(column);
  if (values == nullptr || !std::holds_alternative<Values>(values->values)) {
    throw UsageError(path_ + ": has no column '" + column + "' of the documented type in '" + table + "'");
  }
  return std::get<Values>(values->values);
}

Results::Results(const std::string& path, const PairFilter& is_wanted)
    : path_(path), file_(read_walked(path, [&](std::string_view table, std::string_view column) {
        return table == "pairs" ? is_wanted(column)
                                : table == "cells" || table == "floors" ||
                                      (table == "runs" && (column == "status" || column == "seed"));
      })) {
  const auto format = file_.attributes.find("format");
  const auto version = file_.attributes.find("version");
  if (format == file_.attributes.end() || format->second != kResultsFormat) {
    throw UsageError(path + ": is an HDF5 file, but not one of unroll's results");
  }
  if (version == file_.attributes.end() || version->second != kResultsVersion) {
    throw UsageError(path + ": is of another version of the results format than " + kResultsVersion);
  }
  require_digests(path, file_);
  num_cells_ = integers("cells", "cell").size();
  for (const hdf5::TableColumn& column : file_.find("cells")->columns) {
    if (column.name != "cell" && differs(column, num_cells_)) {
      axes_.push_back(&column);
    }
  }
  const Integers& cells = integers("pairs", "cell");
  const Integers& steps = integers("pairs", "step");
  for (std::size_t row = 0; row < cells.size(); ++row) {
    if (cells[row] < 0 || static_cast<std::size_t>(cells[row]) >= num_cells_) {
      throw UsageError(path + ": row " + std::to_string(row) + " of 'pairs' names cell " + std::to_string(cells[row]) +
                       ", which is not there");
    }
    rows_[cells[row]][steps[row]].push_back(row);
  }
  if (file_.find("floors") != nullptr) {  // a row for each of /pairs
    for (const std::string& status : texts("floors", "status")) {
      below_.push_back(status == "below_floor");
    }
    if (integers("floors", "step") != steps || integers("floors", "cell") != cells) {
      throw UsageError(path + ": the rows of 'floors' are not those of 'pairs'");
    }
  }
}

const Results::Reals& Results::reals(const std::string& table, const std::string& column) const {
  return values<Reals>(table, column);
}
const Results::Integers& Results::integers(const std::string& table, const std::string& column) const {
  return values<Integers>(table, column);
}
const Results::Texts& Results::texts(const std::string& table, const std::string& column) const {
  return values<Texts>(table, column);
}

std::vector<std::string> Results::axis_names() const {
  std::vector<std::string> names;
  for (const hdf5::TableColumn* axis : axes_) {
    names.push_back(short_name(axis->name, axes_));
  }
  return names;
}

std::vector<std::string> Results::axis_values(std::size_t cell) const {
  std::vector<std::string> texts;
  for (const hdf5::TableColumn* axis : axes_) {
    const std::string text = value_text(*axis, cell);
    texts.push_back(is_unset(text) ? "-" : text);
  }
  return texts;
}

std::string Results::cell_title(std::size_t cell) const {
  const std::vector<std::string> names = axis_names(), texts = axis_values(cell);
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (texts[i] != "-") {
      parts.push_back(names[i] + " = " + texts[i]);
    }
  }
  return join(parts, ", ");
}

}  // namespace unroll::store
