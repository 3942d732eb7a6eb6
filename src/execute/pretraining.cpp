#include "execute/pretraining.hpp"

#include <algorithm>
#include <optional>

#include "unroll/base/error.hpp"
#include "unroll/learn/lane_pack.hpp"

namespace unroll::execute {
namespace {

/// Of a pack of pretrainings: all of one use (plan::Item::pack_key).
data::Part part_of(const plan::Plan& plan, const plan::Pretraining& pretraining) {
  const bool is_shadow = pretraining.use == plan::PretrainingUse::shadow;
  return is_shadow && plan.shadow_rows(pretraining).members.is_test ? data::Part::test : data::Part::train;
}

/// Never M's own: the seed is none that [seed] could name.
model::State shadow_start(Context& context, const plan::Pretraining& shadow) {
  constexpr std::uint64_t kBeyondSeeds = std::uint64_t{1} << 31;
  const auto dtype = data::scalar_type(context.cell(shadow.cell).model.dtype);
  return model::initial_state(context.network(shadow.cell)->layout(), kBeyondSeeds + shadow.seeds.init, dtype);
}

}  // namespace

std::vector<model::State> pretrain(Context& context, std::span<const std::size_t> pretrainings, const Between& between,
                                   std::vector<std::optional<SavedPart>> saved) {
  const auto& plan = context.plan();
  std::vector<learn::Hyper> hypers;
  std::vector<std::optional<plan::Order>> orders;
  std::int64_t last_step = 0;
  for (const auto index : pretrainings) {
    const auto& pretraining = plan.pretrainings[index];
    hypers.push_back(pretraining.use == plan::PretrainingUse::shadow
                         ? learn::shadow_hyper_of(context.cell(pretraining.cell))
                         : learn::pretrain_hyper_of(context.cell(pretraining.cell)));
    orders.push_back(pretraining.num_steps > 0 ? std::optional(plan.order_of(pretraining)) : std::nullopt);
    last_step = std::max(last_step, pretraining.num_steps);
  }
  const auto& first = plan.pretrainings[pretrainings.front()];
  learn::LanePack pack(context.network(first.cell), context.data(first), config::BatchNormMode::train, hypers,
                       context.max_lanes(first.cell), part_of(plan, first));
  for (std::size_t lane = 0; lane < pretrainings.size(); ++lane) {
    const auto& pretraining = plan.pretrainings[pretrainings[lane]];
    pack.set_state(static_cast<std::int64_t>(lane),
                   pretraining.use == plan::PretrainingUse::shadow
                       ? shadow_start(context, pretraining)
                       : context.initial_state(pretraining.cell, pretraining.seeds.init));
  }
  std::vector<std::int64_t> begins(pretrainings.size(), 0);
  for (std::size_t lane = 0; lane < saved.size(); ++lane) {
    if (saved[lane]) {
      begins[lane] = saved[lane]->step;
      PartTransfer load(*saved[lane], PartTransfer::Direction::load);
      load("lane", [&](Archive& archive) { transfer_lane(archive, pack, static_cast<std::int64_t>(lane)); });
    }
  }
  std::vector<learn::LaneStep> steps(pretrainings.size());
  const auto save = [&](std::int64_t next_step) {
    std::vector<SavedPart> parts(pretrainings.size());
    for (std::size_t lane = 0; lane < parts.size(); ++lane) {
      parts[lane].id = plan.pretrainings[pretrainings[lane]].id;
      const auto num_steps = plan.pretrainings[pretrainings[lane]].num_steps;
      parts[lane].step = std::max(begins[lane], std::min(next_step, num_steps));
      PartTransfer to(parts[lane], PartTransfer::Direction::save);
      to("lane", [&](Archive& archive) { transfer_lane(archive, pack, static_cast<std::int64_t>(lane)); });
    }
    return parts;
  };
  for (auto step = *std::min_element(begins.begin(), begins.end()); step < last_step; ++step) {
    for (std::size_t lane = 0; lane < pretrainings.size(); ++lane) {
      if (step < begins[lane] || step >= plan.pretrainings[pretrainings[lane]].num_steps) {
        steps[lane].action = learn::Action::idle;
        continue;
      }
      auto rows = std::make_shared<const std::vector<std::int64_t>>(orders[lane]->batch(step));
      const auto count = static_cast<double>(rows->size());
      steps[lane] = {learn::Action::train, std::move(rows), count};
    }
    pack.step(step, steps);
    between([&] { return save(step + 1); });
  }
  std::vector<model::State> states;
  for (std::int64_t lane = 0; lane < pack.num_lanes(); ++lane) {
    states.push_back({pack.state(lane).weights.clone(), pack.state(lane).buffers.clone()});
  }
  return states;
}

hdf5::ArrayFile stage_of(Context& context, const plan::Pretraining& pretraining, const model::State& state) {
  return {model::to_arrays(context.network(pretraining.cell)->layout(), state.weights, state.buffers),
          {{"stage", pretraining.id}, {"steps", std::to_string(pretraining.num_steps)}}};
}

model::State state_of(Context& context, const plan::Pretraining& pretraining, const hdf5::ArrayFile& stage) {
  const auto dtype = data::scalar_type(context.cell(pretraining.cell).model.dtype);
  return model::from_arrays(context.network(pretraining.cell)->layout(), stage, dtype, "stage " + pretraining.id, "",
                            model::Values::any)
      .state;
}

std::optional<model::State> cached_state(Context& context, const plan::Pretraining& pretraining,
                                         store::StageCache& cache) {
  const auto stage = cache.find(pretraining.id);
  if (!stage) {
    return std::nullopt;
  }
  try {
    return state_of(context, pretraining, *stage);
  } catch (const UsageError& error) {
    cache.reject(pretraining.id, error.what());
    return std::nullopt;
  }
}

}  // namespace unroll::execute
