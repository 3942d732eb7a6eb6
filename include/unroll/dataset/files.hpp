#pragma once
// The user's own HDF5 files beside the data set: initial weights, batch order, lists of rows. All are checked
// against what they are for; errors are UsageError that name file, dataset and what was expected.
#include <cstdint>
#include <string>
#include <vector>

namespace unroll::dataset {

/// Batch order: dataset "order", integers [steps, batch], -1 where a batch is shorter (at its end only).
struct OrderTable {
  std::vector<std::vector<std::int64_t>> batches;  // training rows of each step
  std::string content_hash;
};
[[nodiscard]] OrderTable read_order_file(const std::string& path, std::int64_t num_train);

/// Dataset "rows": unique integers in [0, num_rows); returned ascending.
[[nodiscard]] std::vector<std::int64_t> read_rows_file(const std::string& path, std::int64_t num_rows);

/// SHA-256 of a file's bytes.
[[nodiscard]] std::string file_hash(const std::string& path);

}  // namespace unroll::dataset
