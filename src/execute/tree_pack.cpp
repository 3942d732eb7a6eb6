#include "execute/tree_pack.hpp"

#include <algorithm>
#include <chrono>

namespace unroll::execute {
namespace {

/// Lanes: every M first, each with its twin behind it, then the forks by their first step, so that lanes in training
/// stand side by side.
struct Placement {
  struct Lane {
    std::size_t runner;
    std::optional<std::size_t> fork;
    std::int64_t first_step;
    bool is_twin = false;
  };
  std::vector<Lane> lanes;

  explicit Placement(const std::vector<std::unique_ptr<TreeRunner>>& runners) {
    for (std::size_t i = 0; i < runners.size(); ++i) {
      lanes.push_back({i, std::nullopt, -1});
      if (runners[i]->has_twin()) {
        lanes.push_back({i, std::nullopt, -1, true});
      }
    }
    for (std::size_t i = 0; i < runners.size(); ++i) {
      for (const auto fork : runners[i]->forks_with_lanes()) {
        lanes.push_back({i, fork, runners[i]->first_step(fork)});
      }
    }
    std::stable_sort(lanes.begin(), lanes.end(),
                     [](const Lane& a, const Lane& b) { return a.first_step < b.first_step; });
  }
};

void place(const Placement& placement, const std::vector<std::unique_ptr<TreeRunner>>& runners, learn::LanePack& pack) {
  std::vector<std::map<std::size_t, std::int64_t>> fork_lanes(runners.size());
  std::vector<std::int64_t> original_lanes(runners.size());
  std::vector<std::optional<std::int64_t>> twin_lanes(runners.size());
  for (std::size_t lane = 0; lane < placement.lanes.size(); ++lane) {
    const auto& [runner, fork, first_step, is_twin] = placement.lanes[lane];
    if (is_twin) {
      twin_lanes[runner] = static_cast<std::int64_t>(lane);
      pack.set_state(static_cast<std::int64_t>(lane), runners[runner]->twin_start());
    } else if (fork) {
      fork_lanes[runner][*fork] = static_cast<std::int64_t>(lane);
    } else {
      original_lanes[runner] = static_cast<std::int64_t>(lane);
      pack.set_state(static_cast<std::int64_t>(lane), runners[runner]->start());
    }
  }
  for (std::size_t i = 0; i < runners.size(); ++i) {
    runners[i]->place(original_lanes[i], std::move(fork_lanes[i]), twin_lanes[i]);
  }
}

}  // namespace

PackResult run_trees(Context& context, std::vector<TreeStart> starts, const ArraySink& sink, const Between& between,
                     const WeightSink& keep) {
  const auto started = std::chrono::steady_clock::now();
  const auto& settings_cell = context.plan().trees[starts.front().tree].cell;
  std::vector<std::unique_ptr<TreeRunner>> runners;
  std::int64_t last_step = 0;
  for (auto& start : starts) {
    runners.push_back(std::make_unique<TreeRunner>(context, start.tree, start.forks, std::move(start.state),
                                                   std::move(start.repeat), sink));
    runners.back()->keep(start.models, keep);
    runners.back()->use_risk_tables(std::move(start.risk_tables));
    last_step = std::max(last_step, runners.back()->num_steps());
  }
  const Placement placement(runners);
  std::vector<learn::Hyper> hypers;
  for (const auto& lane : placement.lanes) {
    hypers.push_back(runners[lane.runner]->hyper());
  }
  learn::LanePack pack(context.network(settings_cell), context.data(context.plan().trees[starts.front().tree]),
                       context.cell(settings_cell).model, std::move(hypers), context.max_lanes(settings_cell));
  place(placement, runners, pack);
  PackResult result;
  result.num_lanes = pack.num_lanes();
  std::int64_t first_step = last_step + 1;
  for (std::size_t i = 0; i < runners.size(); ++i) {
    if (starts[i].saved) {
      runners[i]->load(std::move(*starts[i].saved), pack);
    }
    result.resumed_steps.push_back(runners[i]->model_steps());
    first_step = std::min(first_step, runners[i]->clock());
  }

  std::vector<learn::LaneStep> steps(placement.lanes.size());
  for (auto step = first_step; step <= last_step; ++step) {
    std::fill(steps.begin(), steps.end(), learn::LaneStep{});
    for (const auto& runner : runners) {
      if (runner->is_at(step)) {
        runner->at_clock(step, pack);
        runner->before_step(step, pack, steps);
      }
    }
    pack.step(step, steps);
    for (std::size_t lane = 0; lane < steps.size(); ++lane) {
      runners[placement.lanes[lane].runner]->count(steps[lane]);
    }
    for (const auto& runner : runners) {
      if (runner->is_at(step)) {
        runner->after_step(step, pack);
      }
    }
    between([&] {
      std::vector<SavedPart> parts;
      for (const auto& runner : runners) {
        parts.push_back(runner->save(pack));
      }
      return parts;
    });
  }
  for (const auto& runner : runners) {
    result.model_steps.push_back(runner->model_steps());
    result.records.push_back(runner->take_record());
    result.curvature_s += runner->curvature_seconds();
    result.measure_s += runner->measure_seconds();
  }
  const double all_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  result.train_s = all_s - result.curvature_s - result.measure_s;
  return result;
}

}  // namespace unroll::execute
