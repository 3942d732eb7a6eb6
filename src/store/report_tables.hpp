#pragma once
// The tables of the report: errors, accuracies and correlations, one line a group of seeds.
#include <string>
#include <string_view>
#include <vector>

#include "report_data.hpp"

namespace unroll::store {

/// One line of each table: the seeds of one cell at one step.
struct Group {
  std::string label;
  std::vector<std::size_t> rows;  // of /pairs, status ok
  std::size_t num_unseen = 0;     // seeds whose forget set was not met yet
  std::size_t num_diverged = 0;
};

/// Columns that hold nothing are left out. label_name heads the first column.
[[nodiscard]] std::string tables(const Results& results, const std::string& label_name,
                                 const std::vector<Group>& groups, std::size_t width);

/// Whether tables() or the report reads a column of /pairs.
[[nodiscard]] bool is_reported(std::string_view column);

}  // namespace unroll::store
