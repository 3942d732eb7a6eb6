#include "unroll/store/report.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>

#include "report_data.hpp"
#include "report_text.hpp"
#include "results.hpp"
#include "unroll/base/error.hpp"
#include "unroll/base/text.hpp"

namespace unroll::store {
namespace {

constexpr std::size_t kMaxFullRows = 24;    // cells x steps up to which every step is shown
constexpr std::size_t kMaxTitleColumn = 34; // longer titles stand in a list of their own

// One line of each table: the seeds of one cell at one step.
struct Group {
  std::string label;
  std::vector<std::size_t> rows;  // of /pairs, status ok
};

// Finite values of a column in the rows of a group.
std::vector<double> values_of(const Results& results, const std::string& column, const Group& group) {
  const Results::Reals& all = results.reals("pairs", column);
  std::vector<double> values;
  for (const std::size_t row : group.rows) {
    if (std::isfinite(all[row])) {
      values.push_back(all[row]);
    }
  }
  return values;
}

std::string size_text(const std::vector<double>& values) {
  const std::optional<Estimate> geometric = geometric_mean_of(values);
  return interval_text(geometric ? *geometric : mean_of(values));
}

std::string error_table(const Results& results, const std::string& label_name, const std::vector<Group>& groups) {
  TextTable table({label_name, "n", "verification error", "||M - M'||", "fraction left", "unlearning error"}, 1);
  for (const Group& group : groups) {
    table.add({group.label, std::to_string(group.rows.size()),
               size_text(values_of(results, "verification_error", group)),
               size_text(values_of(results, "no_unlearning_distance", group)),
               size_text(values_of(results, "fraction_left", group)),
               size_text(values_of(results, "unlearning_error", group))});
  }
  return table.str("  ");
}

// Pairs of finite values: seeds where either is undefined are left out.
std::string correlations(const Results& results, const Group& group, const std::string& predictor, bool by_rank) {
  const Results::Reals& x_all = results.reals("pairs", predictor);
  const Results::Reals& y_all = results.reals("pairs", "verification_error");
  std::vector<double> x, y;
  for (const std::size_t row : group.rows) {
    if (std::isfinite(x_all[row]) && std::isfinite(y_all[row])) {
      x.push_back(x_all[row]);
      y.push_back(y_all[row]);
    }
  }
  return correlation_text(by_rank ? spearman(x, y) : pearson(x, y));
}

std::string correlation_table(const Results& results, const std::string& label_name, const std::vector<Group>& groups) {
  TextTable table({label_name, "n", "", "unlearning error", "eta ||g*||", "||w_T - w_0||", "||M'' - M||"}, 1);
  bool too_few = false;
  for (const Group& group : groups) {
    if (group.rows.size() < kMinSeedsOfCorrelation) {
      too_few = true;
      continue;
    }
    for (const bool by_rank : {false, true}) {
      table.add({by_rank ? "" : group.label, by_rank ? "" : std::to_string(group.rows.size()), by_rank ? "rho" : "r",
                 correlations(results, group, "unlearning_error", by_rank),
                 correlations(results, group, "eta_gradient_norm", by_rank),
                 correlations(results, group, "distance_from_start", by_rank),
                 correlations(results, group, "correction_norm", by_rank)});
    }
  }
  return (table.empty() ? "" : table.str("  ")) +
         (too_few ? "  too few seeds for a correlation (n < 4)" + std::string(table.empty() ? "\n" : " in the others\n")
                  : "");
}

std::string accuracy_table(const Results& results, const std::string& label_name, const std::vector<Group>& groups) {
  std::vector<std::string> head = {label_name};
  const std::vector<std::string> sets = {"test", "retain", "forget"};
  const std::vector<std::pair<std::string, std::string>> models = {
      {"_accuracy_original", " M"}, {"_accuracy_retrained", " M'"}, {"_accuracy_unlearned", " M''"}};
  for (const std::string& set : sets) {
    for (const auto& [column, model] : models) {
      head.push_back(set + model);
    }
  }
  TextTable table(head, 1);
  bool holds_any = false;
  for (const Group& group : groups) {
    std::vector<std::string> cells = {group.label};
    for (const std::string& set : sets) {
      for (const auto& [column, model] : models) {
        cells.push_back(percent_text(mean_of(values_of(results, set + column, group))));
        holds_any = holds_any || cells.back() != "-";
      }
    }
    table.add(std::move(cells));
  }
  return holds_any ? table.str("  ") : "";
}

std::string tables(const Results& results, const std::string& label_name, const std::vector<Group>& groups) {
  std::string text = error_table(results, label_name, groups);
  const std::string accuracies = accuracy_table(results, label_name, groups);
  if (!accuracies.empty()) {
    text += "  accuracy, %\n" + accuracies;
  }
  return text + "  correlation with the verification error over seeds: Pearson r, Spearman rho\n" +
         correlation_table(results, label_name, groups);
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
  std::copy_if(rows.begin(), rows.end(), std::back_inserter(kept), [&](std::size_t row) { return status[row] == "ok"; });
  return kept;
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
                       : "REACH " + shortest(largest) + over + ", but must be exactly 0");
}

std::string counts_text(const Counts& counts) {
  return std::to_string(counts.ok) + " ok" +
         (counts.not_yet_seen > 0 ? ", " + std::to_string(counts.not_yet_seen) + " before F was met (not_yet_seen)" : "") +
         (counts.diverged > 0 ? ", " + std::to_string(counts.diverged) + " diverged" : "");
}

std::string title_of(const Results& results, std::int64_t cell) {
  const std::string title = results.cell_title(static_cast<std::size_t>(cell));
  return "cell " + std::to_string(cell) + (title.empty() ? "" : ": " + title);
}

// A section a cell, a line a step.
std::string full_report(const Results& results) {
  std::string text;
  for (const auto& [cell, steps] : results.rows()) {
    const Counts counts = count_statuses(results, rows_of_cell(results, cell));
    text += '\n' + title_of(results, cell) + "  (rows: " + counts_text(counts) + ")\n";
    const std::string control = control_text(results, cell);
    if (!control.empty()) {
      text += "  " + control + '\n';
      continue;
    }
    std::vector<Group> groups;
    for (const auto& [step, rows] : steps) {
      groups.push_back({std::to_string(step), ok_rows(results, rows)});
    }
    std::erase_if(groups, [](const Group& group) { return group.rows.empty(); });
    text += groups.empty() ? "  nothing to average\n" : tables(results, "step", groups);
  }
  return text;
}

// One section, a line a cell at its last step with a result.
std::string compact_report(const Results& results) {
  std::vector<Group> groups;
  std::string titles, controls;
  std::size_t longest = 0;
  for (const auto& [cell, steps] : results.rows()) {
    const std::string control = control_text(results, cell);
    if (!control.empty()) {
      controls += title_of(results, cell) + "\n  " + control + '\n';
      continue;
    }
    const auto last = std::find_if(steps.rbegin(), steps.rend(),
                                   [&](const auto& step) { return !ok_rows(results, step.second).empty(); });
    const std::string step = last == steps.rend() ? "" : ", T = " + std::to_string(last->first);
    const std::string title = results.cell_title(static_cast<std::size_t>(cell)) + step;
    longest = std::max(longest, title.size());
    titles += "  " + std::to_string(cell) + ": " + title + '\n';
    groups.push_back({title, last == steps.rend() ? std::vector<std::size_t>{} : ok_rows(results, last->second)});
  }
  std::string text = "\nEvery cell at its last measured step T (all steps: table /pairs).\n";
  const bool has_list = longest > kMaxTitleColumn;
  if (has_list) {
    text += titles;
    std::size_t at = 0;
    for (const auto& [cell, steps] : results.rows()) {
      if (control_text(results, cell).empty()) {
        groups[at++].label = std::to_string(cell);
      }
    }
  }
  return text + tables(results, has_list ? "cell" : "", groups) + controls;
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
  return std::to_string(results.num_cells()) + " cells, " + std::to_string(seeds.size()) + " seeds; runs: " +
         join(parts, ", ") + "; rows: " + std::to_string(results.integers("pairs", "step").size());
}

std::string real_text(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", value);
  return text;
}

// Where and how long, from the telemetry.h5 beside the results; "" when there is none that belongs to them.
std::string telemetry_text(const std::string& results_path, const Results& results) {
  const std::filesystem::path path = std::filesystem::path(results_path).parent_path() / "telemetry.h5";
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    return "";
  }
  const hdf5::TableFile file = hdf5::read_tables(path.string());
  const auto attribute = [](const hdf5::TableFile& of, const char* name) {
    const auto found = of.attributes.find(name);
    return found == of.attributes.end() ? std::string() : found->second;
  };
  const hdf5::Table* items = file.find("items");
  if (attribute(file, "plan_id") != attribute(results.file(), "plan_id") || items == nullptr) {
    return "";
  }
  const auto sum = [&](const char* name) {
    double total = 0;
    if (const hdf5::TableColumn* column = items->find(name)) {
      std::visit(
          [&](const auto& values) {
            if constexpr (!std::is_same_v<std::decay_t<decltype(values)>, std::vector<std::string>>) {
              for (const auto value : values) {
                total += static_cast<double>(value);
              }
            }
          },
          column->values);
    }
    return total;
  };
  return "model steps: " + attribute(file, "model_steps_asked") + " asked, " +
         std::to_string(static_cast<std::int64_t>(sum("model_steps"))) + " trained; rank seconds: " +
         real_text(sum("train_s")) + " training, " + real_text(sum("curvature_s")) + " curvature, " +
         real_text(sum("measure_s")) + " other measures\n";
}

}  // namespace

std::string report(const std::string& results_path) {
  const Results results(results_path);
  std::size_t num_groups = 0;
  for (const auto& [cell, steps] : results.rows()) {
    num_groups += steps.size();
  }
  std::string text = results_path + ": " + runs_text(results) + '\n';
  text += telemetry_text(results_path, results);
  text +=
      "Mean over seeds [95 % t-interval]; n: seeds. Distances, errors and fractions: geometric mean, interval on the log\n"
      "(arithmetic where a value is 0). M: original, M': retrained, M'': unlearned; verification error ||M' - M''||;\n"
      "eta ||g*||, ||w_T - w_0|| and ||M'' - M|| are trivial predictors to compare the unlearning error with.\n";
  if (num_groups == 0) {
    return text + "\nNo run is finished yet.\n";
  }
  return text + (num_groups <= kMaxFullRows ? full_report(results) : compact_report(results));
}

}  // namespace unroll::store
