#include "report_tables.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "report_text.hpp"

namespace unroll::store {
namespace {

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

Estimate size_of(const std::vector<double>& values) {
  const std::optional<Estimate> geometric = geometric_mean_of(values);
  return geometric ? *geometric : mean_of(values);
}

std::string count_text(std::size_t count) { return count == 0 ? "-" : std::to_string(count); }

std::string error_table(const Results& results, const std::string& label_name, const std::vector<Group>& groups,
                        std::size_t width) {
  TextTable table(
      {label_name, "n", "unseen", "diverged", "verification error", "fraction left", "unlearning error", "||M - M'||"},
      1, 1);
  for (const Group& group : groups) {
    table.add({group.label, std::to_string(group.rows.size()), count_text(group.num_unseen),
               count_text(group.num_diverged), interval_text(size_of(values_of(results, "verification_error", group))),
               plain_interval_text(size_of(values_of(results, "fraction_left", group))),
               interval_text(size_of(values_of(results, "unlearning_error", group))),
               interval_text(size_of(values_of(results, "no_unlearning_distance", group)))});
  }
  return table.str("  ", width);
}

// Pairs of finite values: seeds where either is undefined, or that are below their noise floor, are left out.
std::string correlations(const Results& results, const Group& group, const std::string& predictor, bool by_rank) {
  const Results::Reals& x_all = results.reals("pairs", predictor);
  const Results::Reals& y_all = results.reals("pairs", "verification_error");
  std::vector<double> x, y;
  for (const std::size_t row : group.rows) {
    if (std::isfinite(x_all[row]) && std::isfinite(y_all[row]) && !results.is_below_floor(row)) {
      x.push_back(x_all[row]);
      y.push_back(y_all[row]);
    }
  }
  return correlation_text(by_rank ? spearman(x, y) : pearson(x, y));
}

std::string correlation_table(const Results& results, const std::string& label_name, const std::vector<Group>& groups,
                              std::size_t width) {
  TextTable table({label_name, "", "unlearning error", "eta ||g*||", "||w_T - w_0||", "||M'' - M||"}, 1, 2);
  bool too_few = false;
  for (const Group& group : groups) {
    if (group.rows.size() < kMinSeedsOfCorrelation) {
      too_few = true;
      continue;
    }
    for (const bool by_rank : {false, true}) {
      table.add({by_rank ? "" : group.label, by_rank ? "rho" : "r",
                 correlations(results, group, "unlearning_error", by_rank),
                 correlations(results, group, "eta_gradient_norm", by_rank),
                 correlations(results, group, "distance_from_start", by_rank),
                 correlations(results, group, "correction_norm", by_rank)});
    }
  }
  return (table.empty() ? "" : table.str("  ", width)) +
         (too_few ? "  too few seeds for a correlation (n < 4)" + std::string(table.empty() ? "\n" : " in the others\n")
                  : "");
}

std::string accuracy_table(const Results& results, const std::string& label_name, const std::vector<Group>& groups,
                           std::size_t width) {
  std::vector<std::string> head = {label_name};
  const std::vector<std::string> sets = {"test", "retain", "forget"};
  const std::vector<std::pair<std::string, std::string>> models = {
      {"_accuracy_original", " M"}, {"_accuracy_retrained", " M'"}, {"_accuracy_unlearned", " M''"}};
  for (const std::string& set : sets) {
    for (const auto& [column, model] : models) {
      head.push_back(set + model);
    }
  }
  TextTable table(head, 1, 1);
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
  return holds_any ? table.str("  ", width) : "";
}

}  // namespace

std::string tables(const Results& results, const std::string& label_name, const std::vector<Group>& groups,
                   std::size_t width) {
  std::string text = error_table(results, label_name, groups, width);
  const std::string accuracies = accuracy_table(results, label_name, groups, width);
  if (!accuracies.empty()) {
    text += "  accuracy, %\n" + accuracies;
  }
  return text + "  correlation with the verification error over seeds: Pearson r, Spearman rho\n" +
         correlation_table(results, label_name, groups, width);
}

bool is_reported(std::string_view column) {
  constexpr std::string_view kColumns[] = {"cell",
                                           "step",
                                           "status",
                                           "verification_error",
                                           "no_unlearning_distance",
                                           "fraction_left",
                                           "unlearning_error",
                                           "eta_gradient_norm",
                                           "distance_from_start",
                                           "correction_norm"};
  return std::find(std::begin(kColumns), std::end(kColumns), column) != std::end(kColumns) ||
         column.find("_accuracy_") != std::string_view::npos;
}

}  // namespace unroll::store
