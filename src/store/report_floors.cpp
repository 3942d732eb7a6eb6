#include "report_floors.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "floors.hpp"
#include "report_text.hpp"
#include "statistics.hpp"
#include "unroll/base/error.hpp"
#include "unroll/base/wording.hpp"

namespace unroll::store {
namespace {

constexpr const char* kLegend =
    "Noise floors: medians over seeds [95 % by bootstrap over seeds; of a single seed's (ii) and (iii) over models], "
    "at each "
    "cell's last step T. (0): ||M - M_ulp||, "
    "w_0 moved by a random ulp; (i): repeats of M', must be 0; (ii): between M' in several orders; (iii): between M' "
    "from several w_0. below: rows whose verification error is under 3 times floor (0), which say nothing about "
    "unlearning and stay out of correlations. VE / floor: how far unlearning is beyond what cannot be told apart.";

using Rows = std::vector<std::size_t>;

/// A control measures nothing: its error must be 0.
bool is_control(const Results& results, std::size_t row) {
  const std::int64_t cell = results.integers("floors", "cell")[row];
  const std::string& kind = results.texts("cells", "forget.kind").at(static_cast<std::size_t>(cell));
  return kind == "none" || kind == "ghost";
}

/// Rows of /floors but for controls, by cell and step.
std::map<std::int64_t, std::map<std::int64_t, Rows>> rows_of(const Results& results) {
  const Results::Integers& cells = results.integers("floors", "cell");
  const Results::Integers& steps = results.integers("floors", "step");
  std::map<std::int64_t, std::map<std::int64_t, Rows>> rows;
  for (std::size_t row = 0; row < cells.size(); ++row) {
    if (cells[row] < 0 || static_cast<std::size_t>(cells[row]) >= results.num_cells()) {
      throw UsageError("row " + std::to_string(row) + " of 'floors' names cell " + std::to_string(cells[row]) +
                       ", which is not there");
    }
    if (!is_control(results, row)) {
      rows[cells[row]][steps[row]].push_back(row);
    }
  }
  return rows;
}

std::string median_text(const Results& results, const std::string& column, const Rows& rows) {
  if (rows.size() == 1 && (column == "floor_order" || column == "floor_init")) {
    const auto of = [&](const std::string& end) { return results.reals("floors", column + end)[rows.front()]; };
    return interval_text({1, of(""), of("_low"), of("_high")});
  }
  const Results::Reals& all = results.reals("floors", column);
  std::vector<double> values;
  for (const std::size_t row : rows) {
    if (std::isfinite(all[row])) {
      values.push_back(all[row]);
    }
  }
  return column.starts_with("ratio") ? plain_interval_text(median_of(values)) : interval_text(median_of(values));
}

std::size_t num_below(const Results& results, const Rows& rows) {
  const Results::Texts& status = results.texts("floors", "status");
  return static_cast<std::size_t>(
      std::count_if(rows.begin(), rows.end(), [&](std::size_t row) { return status[row] == "below_floor"; }));
}

}  // namespace

std::string floors_text(const Results& results, std::size_t width) {
  if (results.file().find("floors") == nullptr) {
    return "";
  }
  TextTable table({"cell", "T", "below", "verification error", "(0)", "VE / (0)", "(i)", "(ii)", "VE / (ii)", "(iii)"},
                  0, 1);
  std::size_t below = 0, all = 0;
  for (const auto& [cell, steps] : rows_of(results)) {
    for (const auto& [step, rows] : steps) {
      below += num_below(results, rows);
      all += rows.size();
    }
    const auto& [step, rows] = *steps.rbegin();
    std::vector<std::string> line = {std::to_string(cell), std::to_string(step),
                                     std::to_string(num_below(results, rows)) + " of " + std::to_string(rows.size())};
    for (const char* column :
         {"verification_error", "floor_ulp", "ratio_ulp", "floor_repeat", "floor_order", "ratio_order", "floor_init"}) {
      line.push_back(median_text(results, column, rows));
    }
    table.add(std::move(line));
  }
  return '\n' + wrapped(kLegend, width, 0) + "  below floor (0): " + std::to_string(below) + " of " +
         std::to_string(all) + " rows (every cell and step, but for controls)\n" +
         (table.empty() ? "" : table.str("  ", width));
}

}  // namespace unroll::store
