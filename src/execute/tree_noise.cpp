// The side of a tree that noise floors need: M's twin, and weights kept for comparison groups.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "execute/tree_runner.hpp"
#include "execute/twin.hpp"
#include "unroll/store/kept_weights.hpp"

namespace unroll::execute {
namespace {

hdf5::Array flat_array(std::string name, const torch::Tensor& weights) {
  const auto values = weights.cpu().contiguous();
  hdf5::Array array{std::move(name),
                    values.scalar_type() == torch::kFloat64 ? hdf5::ElementType::float64 : hdf5::ElementType::float32,
                    {values.numel()},
                    std::vector<std::byte>(values.nbytes())};
  std::memcpy(array.bytes.data(), values.data_ptr(), array.bytes.size());
  return array;
}

}  // namespace

void TreeRunner::keep(const std::vector<std::size_t>& models, WeightSink sink) {
  weight_sink_ = std::move(sink);
  for (const auto index : models) {
    kept_models_.push_back(&plan_.models[index]);
    if (!plan_.models[index].fork) {
      original_steps_ = tree_.num_steps;
    }
  }
}

bool TreeRunner::has_twin() const { return context_.cell(tree_.cell).noise.ulp && !runs_.empty(); }

model::State TreeRunner::twin_start() const {
  return ulp_twin(start_, twin_seed(plan_.pretrainings[tree_.pretraining]));
}

void TreeRunner::measure_noise(std::int64_t step, const learn::LanePack& pack) {
  const auto is_due = [&](const RunState& run) { return std::binary_search(run.steps.begin(), run.steps.end(), step); };
  if (twin_lane_ && std::any_of(runs_.begin(), runs_.end(), is_due)) {
    const double squared =
        metrics::squared_distance(pack.state(original_lane_).weights, pack.state(*twin_lane_).weights);
    record_.twins.push_back({tree_.id, step, std::isfinite(squared) ? std::sqrt(squared) : record::kUndefined});
  }
  for (const auto* model : kept_models_) {
    if (std::binary_search(model->steps.begin(), model->steps.end(), step)) {
      weight_sink_(flat_array(store::kept_name(model->id, step), weights_of(*model, step, pack)));
    }
  }
}

torch::Tensor TreeRunner::weights_of(const plan::Model& model, std::int64_t step, const learn::LanePack& pack) const {
  if (!model.fork) {
    return pack.state(original_lane_).weights;
  }
  if (!model.run) {
    return retrained_state(*model.fork, step, pack).weights;
  }
  const auto* wanted = &plan_.runs[*model.run];
  const auto run = std::find_if(runs_.begin(), runs_.end(), [&](const RunState& state) { return state.run == wanted; });
  const auto original = pack.state(original_lane_);  // M'' in double: it is never rounded before it is compared
  return original.weights.to(torch::kFloat64) + run->unlearner->correction(original);
}

}  // namespace unroll::execute
