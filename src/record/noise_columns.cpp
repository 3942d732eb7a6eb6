#include <array>

#include "column.hpp"

namespace unroll::record {

std::span<const Column<TwinRow>> twin_columns() {
  using Row = TwinRow;
  static const std::array columns = {
      column<Row, &Row::original_id>("original_id", "1", "stage id of M", kIdSize),
      column<Row, &Row::step>("step", "1", "SGD steps taken by M"),
      column<Row, &Row::distance>("distance", "1", "||w - w_ulp||: floor (0)"),
  };
  return columns;
}

std::span<const Column<DistanceRow>> distance_columns() {
  using Row = DistanceRow;
  static const std::array columns = {
      column<Row, &Row::group_id>("group_id", "1", "comparison group", kIdSize),
      column<Row, &Row::run_id>("run_id", "1", "run in /runs that the group is of", kIdSize),
      column<Row, &Row::step>("step", "1", "SGD steps taken by M"),
      column<Row, &Row::id_a>("id_a", "1", "stage id of the first model; the run's id for its M''", kIdSize),
      column<Row, &Row::id_b>("id_b", "1", "stage id of the second model", kIdSize),
      column<Row, &Row::kind>("kind", "1", "the two: unlearned, retrained, repeat, order or init, as a/b", 24),
      column<Row, &Row::seed_a>("seed_a", "1", "seed of its order or w_0; number of the repeat; -1: M'' or M'"),
      column<Row, &Row::seed_b>("seed_b", "1", "the same of the second model"),
      column<Row, &Row::distance>("distance", "1", "||w_a - w_b|| of trainable parameters"),
      column<Row, &Row::distance_normalised>("distance_normalised", "1",
                                             "distance with every filter scaled to its norm in M'"),
      column<Row, &Row::status>("status", "1", "ok or diverged", 16),
      free_text<Row, &Row::undefined, 64>("undefined", "why columns are NaN: group=reason;..."),
  };
  return columns;
}

std::span<const Column<FloorRow>> floor_columns() {
  using Row = FloorRow;
  static const std::array columns = {
      column<Row, &Row::run_id>("run_id", "1", "run in /runs", kIdSize),
      column<Row, &Row::group_id>("group_id", "1", "comparison group; empty without one", kIdSize),
      column<Row, &Row::cell>("cell", "1", "cell in /cells"),
      column<Row, &Row::seed>("seed", "1", "seed of the study"),
      column<Row, &Row::step>("step", "1", "T: SGD steps taken by M since w_0"),
      column<Row, &Row::status>(
          "status", "1", "ok, below_floor (less than 3 times floor (0)), no_floor, not_yet_seen or diverged", 16),
      free_text<Row, &Row::undefined, 256>("undefined", "why columns are NaN: group=reason;..."),
      column<Row, &Row::verification_error>("verification_error", "1", "||w' - w''||, as in /pairs"),
      column<Row, &Row::floor_ulp>("floor_ulp", "1", "(0): ||w - w_ulp||, w_0 one random ulp apart"),
      column<Row, &Row::floor_repeat>("floor_repeat", "1", "(i): median distance of repeats of M'; must be 0"),
      column<Row, &Row::floor_order>("floor_order", "1", "(ii): median distance of M' in several orders"),
      column<Row, &Row::floor_order_low>("floor_order_low", "1", "its 95 % interval by bootstrap over models: low end"),
      column<Row, &Row::floor_order_high>("floor_order_high", "1", "high end"),
      column<Row, &Row::num_orders>("num_orders", "1", "models that floor (ii) is taken over"),
      column<Row, &Row::floor_init>("floor_init", "1", "(iii): median distance of M' from several w_0"),
      column<Row, &Row::floor_init_low>("floor_init_low", "1", "its 95 % interval by bootstrap over models: low end"),
      column<Row, &Row::floor_init_high>("floor_init_high", "1", "high end"),
      column<Row, &Row::num_inits>("num_inits", "1", "models that floor (iii) is taken over"),
      column<Row, &Row::ratio_ulp>("ratio_ulp", "1", "verification_error / floor_ulp"),
      column<Row, &Row::ratio_order>("ratio_order", "1", "verification_error / floor_order"),
  };
  return columns;
}

}  // namespace unroll::record
