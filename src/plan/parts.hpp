#pragma once
// The parts of the training rows: which rows pretrain, which rows fine-tune.
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "unroll/config/settings.hpp"

namespace unroll::plan {

using Rows = std::vector<std::int64_t>;  // ascending
using SharedRows = std::shared_ptr<const Rows>;

[[nodiscard]] SharedRows all_rows(std::int64_t num_rows);

/// How many of the rows pretrain: round(fraction * num_rows).
[[nodiscard]] std::int64_t num_split_rows(std::int64_t num_rows, double fraction);

struct Split {
  SharedRows pretrain, finetune;
};
[[nodiscard]] Split split_rows(std::int64_t num_rows, double fraction, std::uint64_t seed);

/// The rows that are not in `removed`; both ascending.
[[nodiscard]] SharedRows without(const Rows& rows, const Rows& removed);
/// The rows whose label is none of the classes.
[[nodiscard]] SharedRows without_classes(const Rows& rows, std::span<const std::int32_t> labels,
                                         std::span<const std::int64_t> classes);

[[nodiscard]] std::int64_t num_finetune_rows(const config::Settings& cell, std::int64_t num_train);
[[nodiscard]] SharedRows finetune_rows_of(const config::Settings& cell, std::int64_t num_train, std::uint64_t seed);

}  // namespace unroll::plan
