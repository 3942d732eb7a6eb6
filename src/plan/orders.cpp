#include "orders.hpp"

#include <algorithm>

#include "forget.hpp"

namespace unroll::plan {
namespace {

constexpr std::size_t kMaxContexts = 64;  // orders held at a time

/// The first step at which each row is drawn: in an order of ours all rows are, within the first epoch.
void find_first_steps(OrderContext& context, std::int64_t num_train) {
  context.first_step.assign(static_cast<std::size_t>(num_train), kNever);
  for (std::int64_t step = 0; step < context.order.steps_per_epoch(); ++step) {
    for (const std::int64_t row : context.order.batch(step)) {
      auto& first = context.first_step[static_cast<std::size_t>(row)];
      first = std::min(first, step);
    }
  }
}

}  // namespace

OrderContext& Orders::context_of(std::size_t cell_index, const Seeds& seeds) {
  const config::Settings& cell = plan_.cells[cell_index];
  const bool is_split = cell.pretrain.on == config::PretrainOn::split;
  const bool is_shuffled = cell.order.kind == config::OrderKind::shuffled;
  const std::string key = facts_[cell_index].texts.order + (is_split ? std::to_string(seeds.split) : "") + '/' +
                          (is_shuffled ? std::to_string(seeds.order) : "");
  const auto found = contexts_.find(key);
  if (found != contexts_.end()) {
    return found->second;
  }
  if (contexts_.size() >= kMaxContexts) {
    contexts_.clear();
  }
  const std::int64_t num_train = plan_.description(cell_index).num_train;
  Split split{std::make_shared<const Rows>(), nullptr};
  if (is_split) {
    split = split_rows(num_train, cell.pretrain.fraction, seeds.split);
  } else {
    split.finetune = all_rows(num_train);
  }
  OrderContext context{split.pretrain, split.finetune, order_over(plan_, cell, split.finetune, seeds.order), {}, {}};
  check_table(cell, context);
  return contexts_.emplace(key, std::move(context)).first->second;
}

void Orders::check_table(const config::Settings& cell, const OrderContext& context) const {
  if (cell.order.kind != config::OrderKind::file) {
    return;
  }
  const auto& batches = plan_.order_tables.at(cell.order.file)->batches;
  for (std::size_t step = 0; step < batches.size(); ++step) {
    for (const std::int64_t row : batches[step]) {
      if (!std::binary_search(context.finetune_part->begin(), context.finetune_part->end(), row)) {
        throw config::bad_setting(
            study_, "order.file", cell,
            "step " + std::to_string(step) + " draws row " + std::to_string(row) +
                ", which is not in the fine-tuning part; set pretrain.on to retain, all or none to draw "
                "from all training rows");
      }
    }
  }
}

ResolvedForget Orders::forget_of(std::size_t cell_index, OrderContext& context) {
  const config::Settings& cell = plan_.cells[cell_index];
  const bool is_step = cell.forget.kind == config::ForgetKind::step;
  const auto& text = facts_[cell_index].texts.forget;
  const auto found = context.forget_sets.find(text);
  if (found != context.forget_sets.end() && !is_step) {  // a step is checked against each cell's own length
    return found->second;
  }
  const auto& data = plan_.description(cell_index);
  const bool is_file = cell.forget.kind == config::ForgetKind::file;
  ForgetSet set =
      resolve_forget_set(cell, {study_, data, *context.finetune_part, context.order, facts_[cell_index].total_steps,
                                is_file ? &plan_.row_lists.at(cell.forget.file) : nullptr});
  ResolvedForget resolved;
  resolved.first_touch = set.skipped_step.value_or(kNever);
  if (!set.rows.empty() && context.first_step.empty()) {
    find_first_steps(context, data.num_train);
  }
  for (const std::int64_t row : set.rows) {
    resolved.first_touch = std::min(resolved.first_touch, context.first_step[static_cast<std::size_t>(row)]);
  }
  const auto [known, is_new] = forget_index_.emplace(set.hash, plan_.forget_sets.size());
  if (is_new) {
    plan_.forget_sets.push_back(std::move(set));
  }
  resolved.index = known->second;
  context.forget_sets[text] = resolved;
  return resolved;
}

}  // namespace unroll::plan
