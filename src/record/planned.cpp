#include "unroll/record/planned.hpp"

namespace unroll::record {

RunRow planned_run(const plan::Plan& plan, const plan::Run& run) {
  const auto& tree = plan.trees[run.tree];
  const auto& fork = tree.forks[run.fork];
  const auto& forget = plan.forget_sets[fork.forget_set];
  const auto& pretraining = plan.pretrainings[tree.pretraining];
  const bool is_control = fork.repeat || forget.num_ghosts > 0;
  RunRow row;
  row.run_id = run.id;
  row.cell = static_cast<std::int64_t>(run.cell);
  row.seed = plan.seeds[run.seed];
  row.seed_split = static_cast<std::int64_t>(tree.seeds.split);
  row.seed_init = static_cast<std::int64_t>(tree.seeds.init);
  row.seed_pretrain_order = static_cast<std::int64_t>(tree.seeds.pretrain_order);
  row.seed_order = static_cast<std::int64_t>(tree.seeds.order);
  row.seed_eval = static_cast<std::int64_t>(plan.seeds_of(run).eval);
  row.pretrain_id = pretraining.id;
  row.shadow_id = run.shadow ? plan.pretrainings[*run.shadow].id : "";
  row.original_id = tree.id;
  row.retrained_id = fork.id;
  row.forget_hash = forget.hash;
  row.num_forgotten = forget.skipped_step ? std::ssize(plan.order_of(tree).batch(*forget.skipped_step))
                                          : std::ssize(forget.rows) + forget.num_ghosts;
  row.first_touch = fork.first_draw;
  row.exact_retrain = forget.skipped_step ? 0 : 1;
  const auto on = plan.cells[run.cell].pretrain.on;  // a skipped step takes no example from a pretraining on `retain`
  const bool saw_all =
      on == config::PretrainOn::all || (on == config::PretrainOn::retain && forget.skipped_step.has_value());
  row.w0_saw_forget = saw_all && pretraining.num_steps > 0 && !is_control ? 1 : 0;
  return row;
}

}  // namespace unroll::record
