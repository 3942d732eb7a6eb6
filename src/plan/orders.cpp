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

OrderContext& Orders::context_of(std::size_t cell_index, const Seeds& seeds, bool shuffles) {
  const config::Settings& cell = plan_.cells[cell_index];
  const bool is_split = cell.pretrain.on == config::PretrainOn::split;
  const bool is_shuffled = shuffles || cell.order.kind == config::OrderKind::shuffled;
  const auto& facts = facts_[cell_index];
  const std::string key = (shuffles ? facts.shuffled : facts.texts).order +
                          (is_split ? std::to_string(seeds.split) : "") + '/' +
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
  OrderContext context{
      split.pretrain, split.finetune, order_over(plan_, cell, split.finetune, seeds.order, shuffles), {}, {}};
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
  resolved.first_touch = set.skipped_step.value_or(first_touch(set.rows, cell_index, context));
  resolved.index = index_of(std::move(set));
  context.forget_sets[text] = resolved;
  return resolved;
}

ResolvedForget Orders::forget_of(std::size_t cell_index, std::size_t forget_set, const Order& own,
                                 OrderContext& other) {
  const ForgetSet& set = plan_.forget_sets[forget_set];
  ResolvedForget resolved{forget_set, kNever};
  if (set.skipped_step) {
    const config::Settings& cell = plan_.cells[cell_index];
    if (std::ssize(own.batch(*set.skipped_step)) == std::ssize(*other.finetune_part)) {
      throw config::bad_setting(study_, "noise.orders", cell,
                                "cannot forget the examples of step " + std::to_string(*set.skipped_step) +
                                    " in another order: they are all there are; use a smaller train.batch");
    }
    resolved.index = index_of(examples_of_step(set, own));
  }
  resolved.first_touch = first_touch(plan_.forget_sets[resolved.index].rows, cell_index, other);
  return resolved;
}

std::size_t Orders::index_of(ForgetSet set) {
  const auto [known, is_new] = forget_index_.emplace(set.hash, plan_.forget_sets.size());
  if (is_new) {
    plan_.forget_sets.push_back(std::move(set));
  }
  return known->second;
}

std::int64_t Orders::first_touch(const Rows& rows, std::size_t cell, OrderContext& context) const {
  if (!rows.empty() && context.first_step.empty()) {
    find_first_steps(context, plan_.description(cell).num_train);
  }
  std::int64_t first = kNever;
  for (const std::int64_t row : rows) {
    first = std::min(first, context.first_step[static_cast<std::size_t>(row)]);
  }
  return first;
}

}  // namespace unroll::plan
