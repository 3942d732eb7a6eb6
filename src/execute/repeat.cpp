#include "execute/repeat.hpp"

#include <iterator>
#include <set>

#include "execute/archive_rows.hpp"
#include "execute/tree_runner.hpp"
#include "unroll/base/sha256.hpp"

namespace unroll::execute {
namespace {

std::string prefix(std::int64_t step) { return std::string("t").append(std::to_string(step)).append("."); }

}  // namespace

std::string repeat_id(const plan::Tree& tree) { return sha256("repeat of " + tree.id); }

hdf5::ArrayFile train_repeat(Context& context, std::size_t index, const model::State& start, const Between& between,
                             std::optional<SavedPart> saved) {
  const auto& plan = context.plan();
  const auto& tree = plan.trees[index];
  std::set<std::int64_t> steps;
  for (const auto run : tree.runs) {
    if (tree.forks[plan.runs[run].fork].repeat) {
      const auto measured = plan.measured_steps(plan.runs[run]);
      steps.insert(measured.begin(), measured.end());
    }
  }
  const auto order = plan.order_of(tree);
  const auto& settings = context.cell(tree.cell);
  learn::LanePack pack(context.network(tree.cell), context.data(tree), settings.model,
                       {learn::hyper_of(settings, tree.schedule_steps, order.steps_per_epoch())}, 1);
  pack.set_state(0, start);
  hdf5::ArrayFile file;
  file.attributes["stage"] = repeat_id(tree);
  const auto transfer = [&](SavedPart& part, PartTransfer::Direction direction) {
    PartTransfer values(part, direction);
    values("lane", [&](Archive& archive) { transfer_lane(archive, pack, 0); });
    values("states", [&](Archive& archive) { transfer_arrays(archive, file.arrays); });
  };
  std::int64_t first_step = 0;
  if (saved) {
    first_step = saved->step;
    transfer(*saved, PartTransfer::Direction::load);
  }
  for (auto step = first_step; step <= *steps.rbegin(); ++step) {
    if (steps.contains(step)) {
      const auto state = pack.state(0);
      auto arrays = model::to_arrays(context.network(tree.cell)->layout(), state.weights, state.buffers, prefix(step));
      std::move(arrays.begin(), arrays.end(), std::back_inserter(file.arrays));
    }
    if (step < *steps.rbegin()) {
      auto rows = std::make_shared<const std::vector<std::int64_t>>(order.batch(step));
      const auto count = static_cast<double>(rows->size());
      pack.step(step, {{learn::Action::train, std::move(rows), count}});
      between([&] {
        std::vector<SavedPart> parts(1);
        parts[0].id = repeat_id(tree);
        parts[0].step = step + 1;
        transfer(parts[0], PartTransfer::Direction::save);
        return parts;
      });
    }
  }
  return file;
}

model::State repeated_state(const model::Network& network, const hdf5::ArrayFile& repeat, std::int64_t step,
                            torch::ScalarType dtype) {
  return model::from_arrays(network.layout(), repeat, dtype, "repeat", prefix(step), model::Values::any).state;
}

}  // namespace unroll::execute
