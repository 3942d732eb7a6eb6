#include <array>
#include <deque>
#include <utility>

#include "column.hpp"

namespace unroll::record {
namespace {

using Row = PairRow;

constexpr std::array<std::string_view, kNumUnlearningErrors> kUnlearningErrorNames = {
    "unlearning_error",           "ue_abs_half_eta2_rolling",  "ue_abs_half_eta1",  "ue_abs_half_eta1_rolling",
    "ue_abs_full_eta2",           "ue_abs_full_eta2_rolling",  "ue_abs_full_eta1",  "ue_abs_full_eta1_rolling",
    "unlearning_error_published", "ue_sqrt_half_eta2_rolling", "ue_sqrt_half_eta1", "ue_sqrt_half_eta1_rolling",
    "ue_sqrt_full_eta2",          "ue_sqrt_full_eta2_rolling", "ue_sqrt_full_eta1", "ue_sqrt_full_eta1_rolling"};

// Columns and the texts made for them; a deque never moves its elements.
struct Table {
  std::deque<std::string> texts;
  std::vector<Column<Row>> columns;

  std::string_view keep(std::string text) { return texts.emplace_back(std::move(text)); }
};

// eta^p (T-1) ||w_T - w_0|| sigma, halved or not (METHODS 3.2).
std::string unlearning_error_text(std::size_t index) {
  const std::string sigma = std::string(index & 8 ? "sqrt(lambda)" : "|lambda|") + (index & 1 ? " (rolling mean)" : "");
  return std::string(index & 2 ? "eta" : "eta^2") + " (T-1)" + (index & 4 ? "" : "/2") + " ||w_T - w_0|| " + sigma;
}

template <std::size_t Index>
Column<Row> unlearning_error_column(Table& table) {
  return {kUnlearningErrorNames[Index],
          "1",
          table.keep(unlearning_error_text(Index)),
          +[](const Row& row) { return row.unlearning_error[Index]; },
          +[](Row& row, const Value& value) { row.unlearning_error[Index] = std::get<double>(value); },
          0};
}

template <std::size_t... Index>
void add_unlearning_errors(Table& table, std::index_sequence<Index...>) {
  (table.columns.push_back(unlearning_error_column<Index>(table)), ...);
}

// Columns of one set of examples, "<set>_accuracy_original" and so on.
template <SetOutputs Row::*Set>
class SetColumns {
 public:
  SetColumns(Table& table, std::string set) : table_(table), set_(std::move(set)) {}

  template <double SetOutputs::*Member>
  void add(const std::string& name, const std::string& units, const std::string& long_name) {
    std::string column = set_;
    column += '_';
    column += name;
    table_.columns.push_back({table_.keep(std::move(column)), table_.keep(units),
                              table_.keep(long_name + " on the " + set_ + " set"),
                              +[](const Row& row) { return row.*Set.*Member; },
                              +[](Row& row, const Value& value) { row.*Set.*Member = std::get<double>(value); }, 0});
  }

  void add_all() {
    add<&SetOutputs::accuracy_original>("accuracy_original", "1", "accuracy of M");
    add<&SetOutputs::accuracy_retrained>("accuracy_retrained", "1", "accuracy of M'");
    add<&SetOutputs::accuracy_unlearned>("accuracy_unlearned", "1", "accuracy of M'' with M's buffers");
    add<&SetOutputs::accuracy_unlearned_reestimated>("accuracy_unlearned_reestimated", "1",
                                                     "accuracy of M'' with BatchNorm re-estimated on retained rows,");
    add<&SetOutputs::loss_original>("loss_original", "nat", "mean cross-entropy of M");
    add<&SetOutputs::loss_retrained>("loss_retrained", "nat", "mean cross-entropy of M'");
    add<&SetOutputs::loss_unlearned>("loss_unlearned", "nat", "mean cross-entropy of M''");
    add<&SetOutputs::kl>("kl", "nat", "mean KL(softmax M' || softmax M'')");
    add<&SetOutputs::js>("js", "nat", "mean Jensen-Shannon divergence of M' and M''");
    add<&SetOutputs::logits_l2>("logits_l2", "1", "mean ||z' - z''|| of the logits of M' and M''");
    add<&SetOutputs::risk_original>("risk_original", "1", "mean privacy risk score of M");
    add<&SetOutputs::risk_retrained>("risk_retrained", "1", "mean privacy risk score of M'");
    add<&SetOutputs::risk_unlearned>("risk_unlearned", "1", "mean privacy risk score of M''");
  }

 private:
  Table& table_;
  std::string set_;
};

void add_place(Table& table) {
  table.columns.insert(
      table.columns.end(),
      {column<Row, &Row::run_id>("run_id", "1", "run in /runs", kIdSize),
       column<Row, &Row::cell>("cell", "1", "cell in /cells"),
       column<Row, &Row::seed>("seed", "1", "seed of the study"),
       column<Row, &Row::step>("step", "1", "T: SGD steps taken by M since w_0"),
       column<Row, &Row::status>("status", "1", "ok, not_yet_seen or diverged", 16),
       free_text<Row, &Row::undefined, 1024>("undefined", "why columns are NaN: group=reason;..."),
       column<Row, &Row::num_touched_steps>("num_touched_steps", "1", "steps before T whose batch holds F"),
       column<Row, &Row::num_forgotten_draws>("num_forgotten_draws", "1", "examples of F drawn before T"),
       column<Row, &Row::num_skipped_steps>("num_skipped_steps", "1", "steps before T that M' skipped"),
       column<Row, &Row::lr>("lr", "1", "learning rate of step T-1")});
}

void add_distances(Table& table) {
  table.columns.insert(
      table.columns.end(),
      {column<Row, &Row::verification_error>("verification_error", "1", "||w' - w''|| of trainable parameters"),
       column<Row, &Row::no_unlearning_distance>("no_unlearning_distance", "1", "||w - w'||"),
       column<Row, &Row::fraction_left>("fraction_left", "1", "verification_error / no_unlearning_distance"),
       column<Row, &Row::relative_error>("relative_error", "1", "verification_error / ||w'||"),
       column<Row, &Row::cosine>("cosine", "1", "cosine between w'' - w and w' - w"),
       column<Row, &Row::verification_error_with_buffers>("verification_error_with_buffers", "1",
                                                          "verification_error, BatchNorm statistics included"),
       column<Row, &Row::no_unlearning_distance_with_buffers>("no_unlearning_distance_with_buffers", "1",
                                                              "||w - w'||, BatchNorm statistics included"),
       column<Row, &Row::correction_norm>("correction_norm", "1", "||w'' - w||"),
       column<Row, &Row::distance_from_start>("distance_from_start", "1", "||w_T - w_0||"),
       column<Row, &Row::norm_retrained>("norm_retrained", "1", "||w'||")});
}

void add_curvature(Table& table) {
  table.columns.insert(
      table.columns.end(),
      {column<Row, &Row::lambda_max>("lambda_max", "1", "largest eigenvalue of the Hessian at M"),
       column<Row, &Row::lambda_min>("lambda_min", "1", "smallest eigenvalue of the Hessian at M"),
       column<Row, &Row::sigma>("sigma", "1", "|lambda| of the eigenvalue largest in size"),
       column<Row, &Row::sigma_sqrt>("sigma_sqrt", "1", "sqrt(lambda) as published; NaN for lambda < 0"),
       column<Row, &Row::sigma_residual>("sigma_residual", "1", "||H v - lambda v|| / |lambda|"),
       column<Row, &Row::sigma_rolling>("sigma_rolling", "1", "mean of sigma up to T"),
       column<Row, &Row::sigma_sqrt_rolling>("sigma_sqrt_rolling", "1", "mean of sigma_sqrt up to T"),
       column<Row, &Row::sigma_mode>("sigma_mode", "1", "BatchNorm mode of the Hessian: train, eval or none", 8),
       column<Row, &Row::eta_lambda_max>("eta_lambda_max", "1", "learning rate times lambda_max")});
}

void add_estimates(Table& table) {
  add_unlearning_errors(table, std::make_index_sequence<kNumUnlearningErrors>());
  table.columns.insert(
      table.columns.end(),
      {column<Row, &Row::ue_constant>("ue_constant", "1", "eta^2 (N-1)/2 ||w_T - w_0|| |lambda|, N: steps of M in all"),
       column<Row, &Row::ue_constant_published>("ue_constant_published", "1",
                                                "eta^2 (N-1)/2 ||w_T - w_0|| sqrt(lambda), N: steps of M in all"),
       column<Row, &Row::ue_checkpointed>(
           "ue_checkpointed", "1",
           "eta^2 t/2 ||w_T - w_c|| mean |lambda| over (c, T], t = T - max(c, 1), on top "
           "of its value at the last checkpoint c"),
       column<Row, &Row::ue_checkpointed_published>("ue_checkpointed_published", "1",
                                                    "the same without the 1/2 and with sqrt(lambda)"),
       column<Row, &Row::one_hvp_proxy>("one_hvp_proxy", "1", "one-HVP estimate of the verification error"),
       column<Row, &Row::one_hvp_proxy_first>("one_hvp_proxy_first", "1", "eta^2 (T-1) ||H g*||: F at step 0"),
       column<Row, &Row::growth_bound>("growth_bound", "1", "eta_k ||g*|| (prod (1 + eta_s |lambda_s|) - 1)"),
       column<Row, &Row::growth_bound_exact>("growth_bound_exact", "1",
                                             "1: it bounds: every step's own lambda_s, gradient at w_k"),
       column<Row, &Row::eta2_steps>("eta2_steps", "1", "eta^2 T"),
       column<Row, &Row::eta_gradient_norm>("eta_gradient_norm", "1", "eta_k ||g*||, g* at w_0")});
}

Table make_table() {
  Table table;
  add_place(table);
  add_distances(table);
  add_curvature(table);
  add_estimates(table);
  SetColumns<&Row::forget>(table, "forget").add_all();
  SetColumns<&Row::retain>(table, "retain").add_all();
  SetColumns<&Row::test>(table, "test").add_all();
  return table;
}

}  // namespace

std::span<const Column<PairRow>> pair_columns() {
  static const Table table = make_table();
  return table.columns;
}

std::string_view unlearning_error_name(int index) { return kUnlearningErrorNames.at(static_cast<std::size_t>(index)); }

}  // namespace unroll::record
