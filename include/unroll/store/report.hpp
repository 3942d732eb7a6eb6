#pragma once
// The printed report of a results.h5. The unit is the seed: for each cell and measured step the mean and 95 %
// t-interval over seeds (geometric, on the log, for distances, errors and fractions), and the correlation of the
// unlearning error with the verification error at that step, beside those of trivial predictors. Controls, diverged
// runs and steps before the forget set was met are counted, never averaged. Many cells: one line a cell, at its last
// step. Lines fit the width: tables that do not are continued below. It says too what sharing and the stage cache
// saved.
#include <cstddef>
#include <string>

namespace unroll::store {

/// UsageError when the file is not there, damaged, or no results file. Uses the telemetry.h5 beside it if there is one.
/// width: columns of the terminal, at least 80.
[[nodiscard]] std::string report(const std::string& results_path, std::size_t width = 80);

}  // namespace unroll::store
