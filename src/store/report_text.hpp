#pragma once
// How numbers and tables of the report look.
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "statistics.hpp"

namespace unroll::store {

/// "1.23 [1.10, 1.37]e-03": mean and interval with one exponent; "0" when all is 0; "-" when there is nothing.
[[nodiscard]] std::string interval_text(const Estimate& estimate);
/// "0.123 [0.110, 0.137]" for means of ordinary size (0.1 to 1000), else as above.
[[nodiscard]] std::string plain_interval_text(const Estimate& estimate);
/// "95.1 +-0.4", in per cent.
[[nodiscard]] std::string percent_text(const Estimate& estimate);
/// "+0.32 [-0.10,+0.66]"; "-" when there is none.
[[nodiscard]] std::string correlation_text(const std::optional<Correlation>& correlation);

/// Columns wide enough for what they hold, two blanks apart; the first `num_left` are set left, the rest right.
class TextTable {
 public:
  /// num_keys: columns that say what a line is; repeated where the table is continued below.
  TextTable(std::vector<std::string> head, std::size_t num_left, std::size_t num_keys);
  void add(std::vector<std::string> cells);
  [[nodiscard]] bool empty() const { return rows_.size() < 2; }
  /// Every line indented; columns that hold nothing but "-" are left out; those beyond the width come in a table below.
  [[nodiscard]] std::string str(const std::string& indent, std::size_t width) const;

 private:
  [[nodiscard]] std::vector<std::size_t> widths() const;  // 0: left out
  [[nodiscard]] std::string lines(const std::vector<std::size_t>& columns, const std::vector<std::size_t>& widths,
                                  const std::string& indent) const;

  std::vector<std::vector<std::string>> rows_;  // the head first
  std::size_t num_left_, num_keys_;
};

}  // namespace unroll::store
