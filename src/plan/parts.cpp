#include "parts.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>

#include "unroll/base/random.hpp"

namespace unroll::plan {

SharedRows all_rows(std::int64_t num_rows) {
  Rows rows(static_cast<std::size_t>(num_rows));
  std::iota(rows.begin(), rows.end(), 0);
  return std::make_shared<const Rows>(std::move(rows));
}

std::int64_t num_split_rows(std::int64_t num_rows, double fraction) {
  return std::llround(fraction * static_cast<double>(num_rows));
}

Split split_rows(std::int64_t num_rows, double fraction, std::uint64_t seed) {
  const RandomStream stream(seed, "split");
  std::vector<std::uint64_t> keys(static_cast<std::size_t>(num_rows));
  for (std::size_t row = 0; row < keys.size(); ++row) {
    keys[row] = stream.bits(0, row);
  }
  const auto num_pretrain = num_split_rows(num_rows, fraction);
  // The num_pretrain smallest keys; of rows that share the largest of these, the first ones.
  std::vector<std::uint64_t> sorted = keys;
  const auto last = sorted.begin() + std::max<std::int64_t>(num_pretrain - 1, 0);
  std::nth_element(sorted.begin(), last, sorted.end());
  auto num_equal = num_pretrain - std::count_if(sorted.begin(), last, [&](std::uint64_t key) { return key < *last; });
  const auto pretrains = [&](std::uint64_t key) {
    return num_pretrain > 0 && (key < *last || (key == *last && num_equal-- > 0));
  };
  Rows pretrain, finetune;
  pretrain.reserve(static_cast<std::size_t>(num_pretrain));
  finetune.reserve(static_cast<std::size_t>(num_rows - num_pretrain));
  for (std::int64_t row = 0; row < num_rows; ++row) {
    (pretrains(keys[static_cast<std::size_t>(row)]) ? pretrain : finetune).push_back(row);
  }
  return {std::make_shared<const Rows>(std::move(pretrain)), std::make_shared<const Rows>(std::move(finetune))};
}

SharedRows without(const Rows& rows, const Rows& removed) {
  Rows left;
  std::set_difference(rows.begin(), rows.end(), removed.begin(), removed.end(), std::back_inserter(left));
  return std::make_shared<const Rows>(std::move(left));
}

SharedRows without_classes(const Rows& rows, std::span<const std::int32_t> labels,
                           std::span<const std::int64_t> classes) {
  Rows left;
  std::copy_if(rows.begin(), rows.end(), std::back_inserter(left), [&](std::int64_t row) {
    return std::find(classes.begin(), classes.end(), labels[static_cast<std::size_t>(row)]) == classes.end();
  });
  return std::make_shared<const Rows>(std::move(left));
}

std::int64_t num_finetune_rows(const config::Settings& cell, std::int64_t num_train) {
  const bool is_split = cell.pretrain.on == config::PretrainOn::split;
  return is_split ? num_train - num_split_rows(num_train, cell.pretrain.fraction) : num_train;
}

SharedRows finetune_rows_of(const config::Settings& cell, std::int64_t num_train, std::uint64_t seed) {
  if (cell.pretrain.on != config::PretrainOn::split) {
    return all_rows(num_train);
  }
  return split_rows(num_train, cell.pretrain.fraction, seed).finetune;
}

}  // namespace unroll::plan
