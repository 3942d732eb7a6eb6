#pragma once
// What work costs: flop by arithmetic, seconds by those and the measured rates. A training step is three forward passes
// over its batch (forward, and twice that backward), a Hessian-vector product six over its examples, a multiply-add two
// operations.
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "facts.hpp"
#include "unroll/plan/plan.hpp"

namespace unroll::plan {

inline double real(std::int64_t value) { return static_cast<double>(value); }

struct Work {
  double flop = 0;
  double cost_s = 0;  // of one core, by the measured rates (rates.hpp)
  Work& operator+=(const Work& other) {
    flop += other.flop;
    cost_s += other.cost_s;
    return *this;
  }
  friend Work operator*(double count, const Work& one) { return {count * one.flop, count * one.cost_s}; }
};

class CostModel {
 public:
  CostModel(const Plan& plan, const std::vector<CellFacts>& facts);

  [[nodiscard]] Work pretrain(const Pretraining& pretraining) const;
  /// Training M, or its repeat, to the end.
  [[nodiscard]] Work original(const Tree& tree) const;
  /// M and its curvature: what every part of the tree pays.
  [[nodiscard]] Work trunk(const Tree& tree) const;
  /// Training M' beside its M.
  [[nodiscard]] Work fork(const Tree& tree, const Fork& fork) const;
  /// What methods that follow M compute at its steps for a fork with this run: a Hessian-vector product on M's batch,
  /// and the gradient beneath it, at each step after the first that touches F.
  [[nodiscard]] Work method(const Tree& tree, const Run& run) const;
  /// The measures of one run that it shares with no other: distances, outputs of three models, and the one-HVP proxy.
  [[nodiscard]] Work measures(const Run& run) const;

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
  /// What the Hessian-vector products of measures hold, on the cell's rows, and those of its method, on M's batch; 0
  /// where there are none.
  [[nodiscard]] double measure_bytes(std::size_t cell) const;
  [[nodiscard]] double method_bytes(std::size_t cell) const;

 private:
  struct Cell {
    ModelSize size;
    double batch_rows = 0;
    double hessian_rows = 0;  // of one product
    Work step;                // one training step
    Work hvp;                 // one Hessian-vector product
    Work hvp_of_batch;        // one on a batch of M
    Work curvature;           // of M along a trajectory
  };
  [[nodiscard]] Cell cell_costs(std::size_t cell);
  [[nodiscard]] double hessian_bytes(std::size_t cell, bool as_in_training, double rows) const;

  const Plan& plan_;
  const std::vector<CellFacts>& facts_;
  std::map<std::string, ModelSize> sizes_;          // by data and model
  std::map<std::string, std::int64_t> table_rows_;  // of the largest batch, by order.file
  std::vector<Cell> cells_;
};

/// footprint.cpp: memory and disk. UsageError when a pack does not fit into memory.
void add_footprint(Plan& plan, const CostModel& costs, const config::Study& study, std::int64_t memory_limit_bytes);

}  // namespace unroll::plan
