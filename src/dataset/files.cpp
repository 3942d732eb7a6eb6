#include "unroll/dataset/files.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "arrays.hpp"
#include "unroll/base/error.hpp"
#include "unroll/base/sha256.hpp"
#include "unroll/base/text.hpp"

namespace unroll::dataset {
namespace {

std::vector<std::int64_t> row_of_table(std::span<const std::int64_t> values, const std::string& place,
                                       std::int64_t num_train) {
  const auto end = std::find(values.begin(), values.end(), -1);
  const std::vector<std::int64_t> rows(values.begin(), end);
  if (rows.empty() || std::any_of(end, values.end(), [](std::int64_t value) { return value != -1; })) {
    throw UsageError(place + " must hold training rows, then -1 where the batch is shorter");
  }
  for (const std::int64_t row : rows) {
    if (row < 0 || row >= num_train) {
      throw UsageError(place + " holds row " + std::to_string(row) + ", must be in 0.." +
                       std::to_string(num_train - 1));
    }
  }
  return rows;
}

}  // namespace

OrderTable read_order_file(const std::string& path, std::int64_t num_train) {
  return order_of(path, hdf5::read_arrays(path, {"order"}).arrays.front(), num_train);
}

OrderTable order_of(const std::string& path, const hdf5::Array& array, std::int64_t num_train) {
  const std::vector<std::int64_t> values = integers_of(path, array);
  if (array.shape.size() != 2 || values.empty()) {
    throw UsageError(path + ": dataset 'order' has shape [" + join(array.shape, ", ") + "], must be [steps, batch]");
  }
  const std::size_t batch = static_cast<std::size_t>(array.shape[1]);
  OrderTable table;
  Sha256 hash;
  hash.update("order\n");
  for (std::size_t step = 0; step * batch < values.size(); ++step) {
    const std::string place = path + ": dataset 'order', step " + std::to_string(step);
    table.batches.push_back(row_of_table(std::span(values).subspan(step * batch, batch), place, num_train));
    hash.update(join(table.batches.back(), ","));
    hash.update("\n");
  }
  table.content_hash = hash.hex_digest();
  return table;
}

std::vector<std::int64_t> read_rows_file(const std::string& path, std::int64_t num_rows) {
  return rows_of(path, hdf5::read_arrays(path, {"rows"}).arrays.front(), num_rows);
}

std::vector<std::int64_t> rows_of(const std::string& path, const hdf5::Array& array, std::int64_t num_rows) {
  std::vector<std::int64_t> rows = integers_of(path, array);
  if (array.shape.size() != 1 || rows.empty()) {
    throw UsageError(path + ": dataset 'rows' has shape [" + join(array.shape, ", ") + "], must be [n] with n > 0");
  }
  std::sort(rows.begin(), rows.end());
  for (const std::int64_t row : {rows.front(), rows.back()}) {
    if (row < 0 || row >= num_rows) {
      throw UsageError(path + ": dataset 'rows' holds row " + std::to_string(row) + ", must be in 0.." +
                       std::to_string(num_rows - 1));
    }
  }
  const auto twice = std::adjacent_find(rows.begin(), rows.end());
  if (twice != rows.end()) {
    throw UsageError(path + ": dataset 'rows' holds row " + std::to_string(*twice) + " more than once");
  }
  return rows;
}

std::string file_hash(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<char> piece(std::size_t{1} << 20);
  Sha256 hash;
  while (file.read(piece.data(), static_cast<std::streamsize>(piece.size())) || file.gcount() > 0) {
    hash.update(std::string_view(piece.data(), static_cast<std::size_t>(file.gcount())));
  }
  if (!file.eof()) {
    throw UsageError(path + ": cannot be read: " + std::strerror(errno));
  }
  return hash.hex_digest();
}

}  // namespace unroll::dataset
