#pragma once
// Models of one shape that train side by side: weights, gradients, velocities and BatchNorm buffers of all lanes, and
// one SGD step of all of them. Per lane: learning rate, momentum, weight decay, loss and batch. What a lane becomes
// depends on its own state and batches alone (model/network.hpp).
#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "unroll/config/settings.hpp"
#include "unroll/data/resident.hpp"
#include "unroll/kernel/mlp.hpp"
#include "unroll/model/network.hpp"

namespace unroll::learn {

/// How one lane is trained. SGD as in PyTorch: d = g + weight_decay w; v = momentum v + d; w -= lr v.
struct Hyper {
  double lr = 0;
  double momentum = 0;
  double weight_decay = 0;
  config::Schedule schedule = config::Schedule::constant;
  std::int64_t schedule_every = 0;
  double schedule_factor = 1;
  std::int64_t schedule_steps = 0;  // cosine: steps until the rate reaches 0
  model::TrainingLoss loss = {};

  /// The learning rate of step s of M's clock: lr * factor^(s / every), or lr (1 + cos(pi s / steps)) / 2.
  [[nodiscard]] double lr_at(std::int64_t step) const;
};
[[nodiscard]] Hyper hyper_of(const config::Settings& settings, std::int64_t total_steps, std::int64_t steps_per_epoch);
[[nodiscard]] Hyper pretrain_hyper_of(const config::Settings& settings);
/// Of a shadow model ([prs]).
[[nodiscard]] Hyper shadow_hyper_of(const config::Settings& settings);

enum class Action {
  idle,    // not in training (not forked yet, or finished)
  train,   // one step on `rows`
  freeze,  // a skipped step: nothing changes
  coast,   // a skipped step: momentum and decay with a zero gradient
  drift    // the same without decay: it is part of the loss
};

struct LaneStep {
  Action action = Action::idle;
  std::shared_ptr<const std::vector<std::int64_t>> rows;  // of the pack's part of the data, in their places
  double denominator = 0;                                 // of the loss: rows left, or the batch size
};

template <typename Real>
class MlpLoop;

class SgdOnTensors;

class LanePack {
 public:
  /// max_lanes: lanes a call folds at most (memory and speed; never bits). part: of the data, that lanes train on.
  LanePack(std::shared_ptr<const model::Network> network, std::shared_ptr<const data::ResidentData> data,
           model::BatchNormUse batchnorm, std::vector<Hyper> lanes, std::int64_t max_lanes,
           data::Part part = data::Part::train);
  LanePack(LanePack&&) noexcept;
  ~LanePack();

  [[nodiscard]] std::int64_t num_lanes() const { return static_cast<std::int64_t>(hypers_.size()); }
  void set_state(std::int64_t lane, const model::State& state);  // velocity becomes 0
  void copy_lane(std::int64_t from, std::int64_t to);            // weights, buffers and velocity
  /// Views into the pack: they change with the next step.
  [[nodiscard]] model::State state(std::int64_t lane) const;
  /// [P]; undefined without momentum.
  [[nodiscard]] torch::Tensor velocity(std::int64_t lane) const;
  [[nodiscard]] const Hyper& hyper(std::int64_t lane) const { return hypers_[static_cast<std::size_t>(lane)]; }

  /// One tick of the clock for every lane. steps: one a lane; clock: M's step index, for the schedules.
  void step(std::int64_t clock, const std::vector<LaneStep>& steps);
  [[nodiscard]] std::int64_t num_model_steps() const { return num_model_steps_; }

 private:
  template <typename Real>
  void step_by_loop(MlpLoop<Real>& loop, std::int64_t clock, const std::vector<LaneStep>& steps);
  [[nodiscard]] torch::Tensor batches(std::int64_t first, std::int64_t count, const std::vector<LaneStep>& steps,
                                      std::vector<std::int64_t> shape, torch::Tensor& labels) const;
  void train(std::int64_t first, std::int64_t count, std::int64_t clock, const std::vector<LaneStep>& steps);
  /// gradients [count, P], or undefined for zeros (coast, drift).
  void update(std::int64_t first, std::int64_t count, std::int64_t clock, Action action,
              const torch::Tensor& gradients);
  [[nodiscard]] kernel::Update rule(std::int64_t lane, std::int64_t clock, Action action) const;

  std::shared_ptr<const model::Network> network_;
  std::shared_ptr<const data::ResidentData> data_;
  model::BatchNormUse batchnorm_;
  std::vector<Hyper> hypers_;
  std::int64_t max_lanes_;
  data::Part part_;
  std::int64_t num_model_steps_ = 0;
  torch::Tensor weights_, gradients_, velocities_, buffers_;  // lane_slabs; gradients of one call
  struct Loop;
  std::unique_ptr<Loop> loop_;         // linear and mlp, on a CPU
  std::unique_ptr<SgdOnTensors> sgd_;  // on a GPU
};

}  // namespace unroll::learn
