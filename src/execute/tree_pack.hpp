#pragma once
// Trees of one shape that train together on this rank: one pack of lanes, one clock.
#include <optional>
#include <span>
#include <vector>

#include "execute/tree_runner.hpp"

namespace unroll::execute {

struct TreeStart {
  std::size_t tree = 0;                   // into Plan::trees
  std::vector<std::size_t> forks;         // ascending; those of the tree that are trained and measured here
  model::State state;                     // w_0
  std::optional<hdf5::ArrayFile> repeat;  // for the control `none`
  std::optional<SavedPart> saved{};       // where it goes on from
  std::vector<std::size_t> models{};      // into Plan::models: those of these forks, and of M, whose weights are kept
  RiskTables risk_tables{};               // that runs on these forks are scored by
};

struct PackResult {
  std::vector<record::TreeRecord> records;  // in the order of the starts
  std::vector<std::int64_t> model_steps;    // trained, by tree
  std::vector<std::int64_t> resumed_steps;  // of those, before the checkpoint that the tree went on from
  std::int64_t num_lanes = 0;
  double train_s = 0, curvature_s = 0, measure_s = 0;
};

[[nodiscard]] PackResult run_trees(Context& context, std::vector<TreeStart> starts, const ArraySink& sink,
                                   const Between& between, const WeightSink& keep = {});

}  // namespace unroll::execute
