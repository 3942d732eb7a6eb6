#pragma once
// What work costs, by arithmetic. Estimates, not measurements: a training step costs three forward passes over its
// batch (forward, and twice that backward), a Hessian-vector product six over its examples, a multiply-add two
// operations.
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "facts.hpp"
#include "unroll/plan/plan.hpp"

namespace unroll::plan {

inline double real(std::int64_t value) { return static_cast<double>(value); }

class CostModel {
 public:
  CostModel(const Plan& plan, const std::vector<CellFacts>& facts);

  [[nodiscard]] double pretrain_flop(const Pretraining& pretraining) const;
  /// Training M, or its repeat, to the end.
  [[nodiscard]] double original_flop(const Tree& tree) const;
  /// M and its curvature: what every part of the tree pays.
  [[nodiscard]] double trunk_flop(const Tree& tree) const;
  /// Training M' beside its M.
  [[nodiscard]] double fork_flop(const Tree& tree, const Fork& fork) const;
  /// The measures of one run that it shares with no other: outputs of three models, and the one-HVP proxy.
  [[nodiscard]] double measure_flop(const Run& run) const;

  /// Steps that a fork trains beside M: none for a repeat (an item of its own), all for a ghost.
  [[nodiscard]] std::int64_t trained_steps(const Tree& tree, const Fork& fork) const;
  /// Rows that one run's outputs are computed on.
  [[nodiscard]] double num_eval_rows(const Run& run) const;

  [[nodiscard]] const ModelSize& size(std::size_t cell) const { return cells_[cell].size; }
  [[nodiscard]] double element_bytes(std::size_t cell) const;
  [[nodiscard]] double weights_bytes(std::size_t cell) const;
  /// What a lane holds all the time: weights, gradients, velocities, and for an item of a tree its correction (and the
  /// sums of the one-HVP proxy) in double.
  [[nodiscard]] double resident_bytes(std::size_t cell, bool pretrains) const;
  /// What a lane needs while a call trains it.
  [[nodiscard]] double activation_bytes(std::size_t cell, bool pretrains) const;

 private:
  struct Cell {
    ModelSize size;
    double batch_rows = 0;
    double step_flop = 0;       // one training step
    double hvp_flop = 0;        // one Hessian-vector product
    double curvature_flop = 0;  // of M along a trajectory
  };
  [[nodiscard]] Cell cell_costs(std::size_t cell);

  const Plan& plan_;
  const std::vector<CellFacts>& facts_;
  std::map<std::string, ModelSize> sizes_;          // by data and model
  std::map<std::string, std::int64_t> table_rows_;  // of the largest batch, by order.file
  std::vector<Cell> cells_;
};

/// footprint.cpp: memory and disk. UsageError when a pack does not fit into memory.
void add_footprint(Plan& plan, const CostModel& costs, const config::Study& study, std::int64_t memory_limit_bytes);

}  // namespace unroll::plan
