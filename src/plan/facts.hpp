#pragma once
// What the planner knows of a cell before any seed.
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cell_texts.hpp"
#include "unroll/config/study.hpp"
#include "unroll/plan/plan.hpp"

namespace unroll::plan {

inline constexpr std::int64_t kMaxSteps = 2147483647;  // of one training

struct CellFacts {
  CellTexts texts;
  CellTexts shuffled;  // with order.kind = shuffled, where noise.orders acts: of retrains in other orders
  std::int64_t steps_per_epoch = 0;
  std::int64_t total_steps = 0;
  std::int64_t last_measured = 0;
  std::int64_t num_measured = 0;
};

/// Length of an epoch of M, by arithmetic.
[[nodiscard]] std::int64_t steps_per_epoch_of(const config::Settings& cell, const dataset::Description& description,
                                              const Plan& plan);
/// Steps of M as the cell asks for; at most INT64_MAX.
[[nodiscard]] std::int64_t total_steps_of(const config::Settings& cell, std::int64_t steps_per_epoch);
/// Steps at which a cell is measured: measure.steps; or the multiples of measure.every and the last; or the last.
[[nodiscard]] std::vector<std::int64_t> measured_steps_of(const config::Settings& cell, std::int64_t total_steps);

[[nodiscard]] Seeds resolve_seeds(const config::Settings& cell, std::int64_t study_seed);

/// The order of a cell's batches over its fine-tuning part (or what is left of it); is_shuffled: whatever order.kind
/// says.
[[nodiscard]] Order order_over(const Plan& plan, const config::Settings& cell,
                               std::shared_ptr<const std::vector<std::int64_t>> rows, std::uint64_t seed,
                               bool is_shuffled);

/// survey.cpp: describes the data of every cell, reads the files that cells name, and refuses cells that their data
/// cannot serve. Fills descriptions, description_of_cell, order_tables and row_lists; init_hashes: by path.
[[nodiscard]] std::vector<CellFacts> survey_cells(const config::Study& study, const Sources& sources, Plan& plan,
                                                  std::map<std::string, std::string>& init_hashes);
/// Whether noise.orders is set and acts.
[[nodiscard]] bool asks_for_orders(const config::Settings& cell);
[[nodiscard]] std::string rows_hash(const std::vector<std::int64_t>& rows);

/// finish.cpp: lists the runs of trees, counts originals, makes the plan's id. UsageError when two runs are the same.
void finish_plan(Plan& plan, const std::vector<CellFacts>& facts, const config::Study& study,
                 const std::map<std::string, std::string>& init_hashes);

/// finish.cpp: a fork whose examples come later than the last measured step is M.
void clamp_first_touches(Plan& plan);

/// items.cpp: the items of a plan whose trees, forks and runs are complete.
void add_items(Plan& plan, const std::vector<CellFacts>& facts);

/// items.cpp: M, and its twin where noise.ulp asks for one and runs are measured.
[[nodiscard]] std::int64_t num_trunk_lanes(const Plan& plan, const Tree& tree);

/// cost.cpp: longest chains of work, from the costs of the items; one that is done holds nothing up.
void find_critical_paths(std::vector<Item>& items, const std::vector<bool>& done);

/// cost.cpp: costs of the items, critical paths and totals. UsageError when a pack does not fit into memory.
void add_costs(Plan& plan, const std::vector<CellFacts>& facts, const config::Study& study,
               std::int64_t memory_limit_bytes);

}  // namespace unroll::plan
