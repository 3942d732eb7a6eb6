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

/// Rows that floor (0) judges, and how many of them are below it.
struct Below {
  std::size_t num_below = 0, num_judged = 0;
  Below& operator+=(const Below& other) {
    num_below += other.num_below;
    num_judged += other.num_judged;
    return *this;
  }
  [[nodiscard]] std::string text() const {
    return num_judged == 0 ? "-" : std::to_string(num_below) + " of " + std::to_string(num_judged);
  }
};

Below below_floor(const Results& results, const Rows& rows) {
  const Results::Texts& status = results.texts("floors", "status");
  Below below;
  for (const std::size_t row : rows) {
    below.num_below += status[row] == "below_floor" ? 1 : 0;
    below.num_judged += status[row] == "below_floor" || status[row] == "ok" ? 1 : 0;
  }
  return below;
}

}  // namespace

std::string floors_text(const Results& results, std::size_t width) {
  if (results.file().find("floors") == nullptr) {
    return "";
  }
  TextTable table({"cell", "T", "below", "verification error", "(0)", "VE / (0)", "(i)", "(ii)", "VE / (ii)", "(iii)"},
                  0, 1);
  Below below;
  for (const auto& [cell, steps] : rows_of(results)) {
    for (const auto& [step, rows] : steps) {
      below += below_floor(results, rows);
    }
    const auto& [step, rows] = *steps.rbegin();
    std::vector<std::string> line = {std::to_string(cell), std::to_string(step), below_floor(results, rows).text()};
    for (const char* column :
         {"verification_error", "floor_ulp", "ratio_ulp", "floor_repeat", "floor_order", "ratio_order", "floor_init"}) {
      line.push_back(median_text(results, column, rows));
    }
    table.add(std::move(line));
  }
  const std::string count =
      below.num_judged == 0 ? ""
                            : "  below floor (0): " + below.text() + " rows (every cell and step, but for controls)\n";
  return '\n' + wrapped(kLegend, width, 0) + count + (table.empty() ? "" : table.str("  ", width));
}

}  // namespace unroll::store
