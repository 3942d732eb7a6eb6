#pragma once
// The printed report of a results.h5: one table a cell with mean and 95 % interval over seeds (t-interval; on the log
// for positive skewed quantities), and the correlation of unlearning error with verification error at fixed step.
#include <string>

namespace unroll::store {

[[nodiscard]] std::string report(const std::string& results_path);

}  // namespace unroll::store
