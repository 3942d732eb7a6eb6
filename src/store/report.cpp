#include "unroll/store/report.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "report_data.hpp"
#include "report_floors.hpp"
#include "report_sharing.hpp"
#include "report_tables.hpp"
#include "report_text.hpp"
#include "results.hpp"
#include "unroll/base/error.hpp"
#include "unroll/base/text.hpp"
#include "unroll/base/wording.hpp"

namespace unroll::store {
namespace {

constexpr std::size_t kMaxFullRows = 24;  // cells x steps up to which every step is shown
constexpr const char* kLegend =
    "Mean over seeds [95 % t-interval]; n: seeds. Distances, errors and fractions: geometric mean, interval on the log "
    "(arithmetic where a value is 0). M: original, M': retrained, M'': unlearned. Verification error: ||M' - M''||. "
    "Fraction left: verification error / ||M - M'||, so 0 is as good as retraining and 1 no better than doing nothing. "
    "eta ||g*||, ||w_T - w_0|| and ||M'' - M|| are trivial predictors to compare the unlearning error with.";

std::string real_text(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", value);
  return text;
}

struct Counts {
  std::size_t ok = 0, not_yet_seen = 0, diverged = 0;
};

Counts count_statuses(const Results& results, const std::vector<std::size_t>& rows) {
  const Results::Texts& status = results.texts("pairs", "status");
  Counts counts;
  for (const std::size_t row : rows) {
    ++(status[row] == "ok" ? counts.ok : status[row] == "diverged" ? counts.diverged : counts.not_yet_seen);
  }
  return counts;
}

std::vector<std::size_t> ok_rows(const Results& results, const std::vector<std::size_t>& rows) {
  const Results::Texts& status = results.texts("pairs", "status");
  std::vector<std::size_t> kept;
  std::copy_if(rows.begin(), rows.end(), std::back_inserter(kept),
               [&](std::size_t row) { return status[row] == "ok"; });
  return kept;
}

Group group_of(const Results& results, std::string label, const std::vector<std::size_t>& rows) {
  const Counts counts = count_statuses(results, rows);
  return {std::move(label), ok_rows(results, rows), counts.not_yet_seen, counts.diverged};
}

std::vector<std::size_t> rows_of_cell(const Results& results, std::int64_t cell) {
  std::vector<std::size_t> rows;
  const auto found = results.rows().find(cell);
  if (found != results.rows().end()) {
    for (const auto& [step, of_step] : found->second) {
      rows.insert(rows.end(), of_step.begin(), of_step.end());
    }
  }
  return rows;
}

// "" unless the cell is a control: then whether it is what it must be, over all rows and statuses.
std::string control_text(const Results& results, std::int64_t cell) {
  const std::string& kind = results.texts("cells", "forget.kind")[static_cast<std::size_t>(cell)];
  if (kind != "none" && kind != "ghost") {
    return "";
  }
  double largest = 0;
  bool is_defined = true;
  const std::vector<std::size_t> rows = rows_of_cell(results, cell);
  for (const char* column : {"verification_error", "no_unlearning_distance"}) {
    for (const std::size_t row : rows) {
      const double value = results.reals("pairs", column)[row];
      is_defined = is_defined && !std::isnan(value);
      largest = std::max(largest, std::isnan(value) ? 0 : value);
    }
  }
  const std::string over = " over " + std::to_string(rows.size()) + " rows";
  if (!is_defined || rows.empty()) {
    return "control " + kind + ": not all distances are defined" + over;
  }
  return "control " + kind + ": verification error and ||M - M'|| " +
         (largest == 0 ? "exactly 0" + over + ", as they must be"
                       : "REACH " + real_text(largest) + over + ", but must be exactly 0");
}

std::string counts_text(const Counts& counts) {
  return std::to_string(counts.ok) + " ok" +
         (counts.not_yet_seen > 0 ? ", " + std::to_string(counts.not_yet_seen) + " before F was met (not_yet_seen)"
                                  : "") +
         (counts.diverged > 0 ? ", " + std::to_string(counts.diverged) + " diverged" : "");
}

std::string title_of(const Results& results, std::int64_t cell) {
  const std::string title = results.cell_title(static_cast<std::size_t>(cell));
  return "cell " + std::to_string(cell) + (title.empty() ? "" : ": " + title);
}

// A section a cell, a line a step.
std::string full_report(const Results& results, std::size_t width) {
  std::string text;
  for (const auto& [cell, steps] : results.rows()) {
    const Counts counts = count_statuses(results, rows_of_cell(results, cell));
    text += '\n' + wrapped(title_of(results, cell) + "  (rows: " + counts_text(counts) + ")", width, 2);
    const std::string control = control_text(results, cell);
    if (!control.empty()) {
      text += wrapped("  " + control, width, 4);
      continue;
    }
    std::vector<Group> groups;
    for (const auto& [step, rows] : steps) {
      groups.push_back(group_of(results, std::to_string(step), rows));
    }
    std::erase_if(groups, [](const Group& group) { return group.rows.empty(); });
    text += groups.empty() ? "  nothing to average\n" : tables(results, "step", groups, width);
  }
  return text;
}

// The cell's rows at its last step with a result, or at its last step.
Group last_group(const Results& results, std::int64_t cell) {
  const auto& steps = results.rows().at(cell);
  const auto last = std::find_if(steps.rbegin(), steps.rend(),
                                 [&](const auto& step) { return !ok_rows(results, step.second).empty(); });
  return group_of(results, std::to_string((last == steps.rend() ? steps.rbegin() : last)->first),
                  (last == steps.rend() ? steps.rbegin() : last)->second);
}

// One section, a line a cell at its last step with a result.
std::string compact_report(const Results& results, std::size_t width) {
  std::vector<std::string> head = results.axis_names();
  head.insert(head.begin(), "cell");
  head.push_back("T");
  TextTable cells(head, 0, 1);
  std::vector<Group> groups;
  std::string controls;
  for (const auto& [cell, steps] : results.rows()) {
    const std::string control = control_text(results, cell);
    if (!control.empty()) {
      controls += '\n' + wrapped(title_of(results, cell), width, 2) + wrapped("  " + control, width, 4);
      continue;
    }
    Group group = last_group(results, cell);
    std::vector<std::string> row = results.axis_values(static_cast<std::size_t>(cell));
    row.insert(row.begin(), std::to_string(cell));
    row.push_back(group.label);
    cells.add(std::move(row));
    group.label = std::to_string(cell);
    groups.push_back(std::move(group));
  }
  return "\nEvery cell at its last measured step T (all steps: table /pairs).\n" + cells.str("  ", width) + '\n' +
         tables(results, "cell", groups, width) + controls;
}

std::string runs_text(const Results& results) {
  std::map<std::string, std::size_t> counts;
  std::set<std::int64_t> seeds;
  for (const std::string& status : results.texts("runs", "status")) {
    ++counts[status];
  }
  for (const std::int64_t seed : results.integers("runs", "seed")) {
    seeds.insert(seed);
  }
  std::vector<std::string> parts;
  for (const auto& [status, count] : counts) {
    parts.push_back(std::to_string(count) + ' ' + printable(status));
  }
  return std::to_string(results.num_cells()) + " cells, " + std::to_string(seeds.size()) +
         " seeds; runs: " + join(parts, ", ") + "; rows: " + std::to_string(results.integers("pairs", "step").size());
}

}  // namespace

std::string report(const std::string& results_path, std::size_t width) {
  const Results results(results_path, is_reported);
  std::size_t num_groups = 0;
  for (const auto& [cell, steps] : results.rows()) {
    num_groups += steps.size();
  }
  std::string text = results_path + ":\n" + wrapped(runs_text(results), width, 0);
  text += sharing_text(results_path, results, width);
  text += wrapped(kLegend, width, 0);
  if (num_groups == 0) {
    return text + "\nNo run is finished yet.\n";
  }
  text += num_groups <= kMaxFullRows ? full_report(results, width) : compact_report(results, width);
  return text + floors_text(results, width);
}

}  // namespace unroll::store
