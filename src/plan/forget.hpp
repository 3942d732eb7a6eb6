#pragma once
// Forget sets resolved against one order (DESIGN 4.2).
#include <string>

#include "parts.hpp"
#include "unroll/config/study.hpp"
#include "unroll/plan/order.hpp"
#include "unroll/plan/plan.hpp"

namespace unroll::plan {

/// What a forget set is resolved against.
struct ForgetContext {
  const config::Study& study;
  const dataset::Description& description;
  const Rows& finetune_rows;
  const Order& order;
  std::int64_t total_steps = 0;                            // of M
  const std::vector<std::int64_t>* listed_rows = nullptr;  // of forget.file
};

/// Throws UsageError for an index that is not there, a listed row outside the fine-tuning part, and a set that leaves
/// nothing to retrain on.
[[nodiscard]] ForgetSet resolve_forget_set(const config::Settings& cell, const ForgetContext& context);

/// The examples that a skipped step of this order draws, to be forgotten wherever they occur.
[[nodiscard]] ForgetSet examples_of_step(const ForgetSet& set, const Order& order);

}  // namespace unroll::plan
