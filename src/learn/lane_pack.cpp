#include "unroll/learn/lane_pack.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace unroll::learn {
namespace {

/// One pass over a lane. Compiled without contraction, so the vector body and its tail round alike.
template <typename Real>
void sgd(const Hyper& hyper, double lr, std::int64_t count, const Real* gradient, Real* velocity, Real* weight) {
  const auto rate = static_cast<Real>(lr);
  const auto decay = static_cast<Real>(hyper.weight_decay);
  const auto momentum = static_cast<Real>(hyper.momentum);
  if (velocity == nullptr && decay == 0) {
    for (std::int64_t i = 0; gradient != nullptr && i < count; ++i) {
      weight[i] -= rate * gradient[i];
    }
    return;
  }
  for (std::int64_t i = 0; i < count; ++i) {
    Real direction = gradient != nullptr ? gradient[i] : Real{0};
    if (decay != 0) {
      direction += decay * weight[i];
    }
    if (velocity != nullptr) {
      velocity[i] = momentum * velocity[i] + direction;
      direction = velocity[i];
    }
    weight[i] -= rate * direction;
  }
}

}  // namespace

double Hyper::lr_at(std::int64_t step) const {
  switch (schedule) {
    case config::Schedule::constant:
      return lr;
    case config::Schedule::step:
      return lr * std::pow(schedule_factor, static_cast<double>(step / schedule_every));
    case config::Schedule::cosine:
      return lr * 0.5 *
             (1 + std::cos(std::numbers::pi * static_cast<double>(step) / static_cast<double>(schedule_steps)));
  }
  return lr;
}

Hyper hyper_of(const config::Settings& settings, std::int64_t total_steps) {
  const auto& train = settings.train;
  return {train.lr,       train.momentum,       train.weight_decay,    model::gamma_of(settings.loss),
          train.schedule, train.schedule_every, train.schedule_factor, total_steps};
}

Hyper pretrain_hyper_of(const config::Settings& settings) {
  Hyper hyper;
  hyper.lr = settings.pretrain.lr;
  hyper.momentum = settings.pretrain.momentum;
  hyper.weight_decay = settings.pretrain.weight_decay;
  hyper.gamma = settings.pretrain.loss == config::PretrainLoss::train ? model::gamma_of(settings.loss) : 0;
  return hyper;
}

LanePack::LanePack(std::shared_ptr<const model::Network> network, std::shared_ptr<const data::ResidentData> data,
                   config::BatchNormMode batchnorm, std::vector<Hyper> lanes, std::int64_t max_lanes)
    : network_(std::move(network)),
      data_(std::move(data)),
      statistics_(batchnorm == config::BatchNormMode::train ? model::Statistics::update : model::Statistics::running),
      hypers_(std::move(lanes)),
      max_lanes_(max_lanes) {
  const auto num_parameters = network_->layout().num_parameters;
  weights_ = model::lane_slabs(num_lanes(), {num_parameters}, data_->dtype());
  gradients_ = model::lane_slabs(std::min(num_lanes(), max_lanes_), {num_parameters}, data_->dtype());
  buffers_ = model::lane_slabs(num_lanes(), {network_->layout().num_buffers}, data_->dtype());
  if (std::any_of(hypers_.begin(), hypers_.end(), [](const Hyper& hyper) { return hyper.momentum != 0; })) {
    velocities_ = model::lane_slabs(num_lanes(), {num_parameters}, data_->dtype());
  }
}

model::State LanePack::state(std::int64_t lane) const { return {weights_[lane], buffers_[lane]}; }

void LanePack::set_state(std::int64_t lane, const model::State& from) {
  const auto to = state(lane);
  to.weights.copy_(from.weights);
  to.buffers.copy_(from.buffers);
  if (velocities_.defined()) {
    velocities_[lane].zero_();
  }
}

void LanePack::copy_lane(std::int64_t from, std::int64_t to) {
  weights_[to].copy_(weights_[from]);
  buffers_[to].copy_(buffers_[from]);
  if (velocities_.defined()) {
    velocities_[to].copy_(velocities_[from]);
  }
}

void LanePack::step(std::int64_t clock, const std::vector<LaneStep>& steps) {
  const auto rows_of = [&](std::int64_t lane) { return steps[static_cast<std::size_t>(lane)].rows->size(); };
  const auto action_of = [&](std::int64_t lane) { return steps[static_cast<std::size_t>(lane)].action; };
  for (std::int64_t lane = 0; lane < num_lanes();) {
    if (action_of(lane) != Action::train) {
      if (action_of(lane) == Action::coast) {
        update(lane, clock, {});
      }
      ++lane;
      continue;
    }
    std::int64_t end = lane + 1;
    while (end < num_lanes() && end - lane < max_lanes_ && action_of(end) == Action::train &&
           rows_of(end) == rows_of(lane)) {
      ++end;
    }
    train(lane, end - lane, clock, steps);
    lane = end;
  }
}

void LanePack::train(std::int64_t first, std::int64_t count, std::int64_t clock, const std::vector<LaneStep>& steps) {
  const auto num_rows = static_cast<std::int64_t>(steps[static_cast<std::size_t>(first)].rows->size());
  std::vector<std::int64_t> shape{num_rows};
  const auto& input_shape = data_->description().shape;
  shape.insert(shape.end(), input_shape.begin(), input_shape.end());
  const auto inputs = model::lane_slabs(count, shape, data_->dtype());
  const auto labels = torch::empty({count, num_rows}, torch::kInt64);
  std::vector<model::LossSpec> losses;
  const auto lane_bytes = static_cast<std::size_t>(inputs.stride(0)) * inputs.element_size();
  for (std::int64_t i = 0; i < count; ++i) {
    const auto& step = steps[static_cast<std::size_t>(first + i)];
    data_->gather_inputs(data::Part::train, *step.rows,
                         static_cast<std::byte*>(inputs.data_ptr()) + static_cast<std::size_t>(i) * lane_bytes);
    data_->gather_labels(data::Part::train, *step.rows, labels.data_ptr<std::int64_t>() + i * num_rows);
    losses.push_back({hyper(first + i).gamma, step.denominator});
  }
  auto gradients = gradients_.narrow(0, 0, count);
  network_->gradients({weights_.narrow(0, first, count), buffers_.narrow(0, first, count), inputs, labels, losses},
                      statistics_, gradients);
  for (std::int64_t i = 0; i < count; ++i) {
    update(first + i, clock, gradients[i]);
  }
  num_model_steps_ += count;
}

void LanePack::update(std::int64_t lane, std::int64_t clock, const torch::Tensor& gradient) {
  const auto apply = [&]<typename Real>(Real) {
    const bool has_velocity = hyper(lane).momentum != 0;
    sgd<Real>(hyper(lane), hyper(lane).lr_at(clock), network_->layout().num_parameters,
              gradient.defined() ? gradient.data_ptr<Real>() : nullptr,
              has_velocity ? velocities_[lane].data_ptr<Real>() : nullptr, weights_[lane].data_ptr<Real>());
  };
  data_->dtype() == torch::kFloat64 ? apply(double{}) : apply(float{});
}

}  // namespace unroll::learn
