#pragma once
// Orders under the seed at hand, and the forget sets resolved against them, each made once.
#include <limits>
#include <string>
#include <unordered_map>
#include <vector>

#include "facts.hpp"
#include "parts.hpp"
#include "unroll/config/study.hpp"
#include "unroll/plan/order.hpp"
#include "unroll/plan/plan.hpp"

namespace unroll::plan {

inline constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

struct ResolvedForget {
  std::size_t index = 0;  // into Plan::forget_sets
  std::int64_t first_touch = kNever;
};

/// M's order under one seed, and the forget sets resolved against it.
struct OrderContext {
  SharedRows pretrain_part, finetune_part;
  Order order;
  std::vector<std::int64_t> first_step;  // by row; kNever for rows that are not drawn
  std::unordered_map<std::string, ResolvedForget> forget_sets;
};

class Orders {
 public:
  /// Adds the forget sets that it resolves to the plan.
  Orders(const config::Study& study, const std::vector<CellFacts>& facts, Plan& plan)
      : study_(study), facts_(facts), plan_(plan) {}

  /// Forgets the orders of the seed before.
  void next_seed() { contexts_.clear(); }
  /// Valid until the next call. is_shuffled: in an order of its own, whatever order.kind says.
  [[nodiscard]] OrderContext& context_of(std::size_t cell, const Seeds& seeds, bool is_shuffled = false);
  [[nodiscard]] ResolvedForget forget_of(std::size_t cell, OrderContext& context);
  /// The same examples in another order; a skipped step becomes the set of its examples.
  [[nodiscard]] ResolvedForget forget_of(std::size_t cell, std::size_t forget_set, const Order& own,
                                         OrderContext& other);

 private:
  [[nodiscard]] std::size_t index_of(ForgetSet set);
  [[nodiscard]] std::int64_t first_touch(const Rows& rows, std::size_t cell, OrderContext& context) const;
  void check_table(const config::Settings& cell, const OrderContext& context) const;

  const config::Study& study_;
  const std::vector<CellFacts>& facts_;
  Plan& plan_;
  std::unordered_map<std::string, OrderContext> contexts_;
  std::unordered_map<std::string, std::size_t> forget_index_;  // by hash
};

}  // namespace unroll::plan
