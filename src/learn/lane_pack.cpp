#include "unroll/learn/lane_pack.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <variant>

#include "learn/mlp_loop.hpp"
#include "learn/sgd.hpp"

namespace unroll::learn {
namespace {

template <typename Real>
Real* data_or_null(const torch::Tensor& values) {
  return values.defined() ? values.data_ptr<Real>() : nullptr;
}

/// Of a training that is not M's: gamma does not decay.
model::TrainingLoss constant_loss(const config::Settings& settings, config::PretrainLoss which) {
  model::TrainingLoss loss;
  if (which == config::PretrainLoss::train) {
    loss.form = settings.loss;
    loss.form.gamma_decay = 1;
  }
  return loss;
}

template <typename Training>  // Settings::Pretrain or Settings::Prs
Hyper constant_hyper(const config::Settings& settings, const Training& training) {
  Hyper hyper;
  hyper.lr = training.lr;
  hyper.momentum = training.momentum;
  hyper.weight_decay = training.weight_decay;
  hyper.loss = constant_loss(settings, training.loss);
  return hyper;
}

bool is_skip_with_momentum(Action action) { return action == Action::coast || action == Action::drift; }

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

Hyper hyper_of(const config::Settings& settings, std::int64_t total_steps, std::int64_t steps_per_epoch) {
  const auto& train = settings.train;
  return {train.lr,
          train.momentum,
          train.weight_decay,
          train.schedule,
          train.schedule_every,
          train.schedule_factor,
          total_steps,
          model::training_loss(settings, steps_per_epoch)};
}

Hyper pretrain_hyper_of(const config::Settings& settings) { return constant_hyper(settings, settings.pretrain); }

Hyper shadow_hyper_of(const config::Settings& settings) { return constant_hyper(settings, settings.prs); }

struct LanePack::Loop {
  std::variant<MlpLoop<float>, MlpLoop<double>> of_type;
};

LanePack::LanePack(LanePack&&) noexcept = default;
LanePack::~LanePack() = default;

LanePack::LanePack(std::shared_ptr<const model::Network> network, std::shared_ptr<const data::ResidentData> data,
                   model::BatchNormUse batchnorm, std::vector<Hyper> lanes, std::int64_t max_lanes, data::Part part)
    : network_(std::move(network)),
      data_(std::move(data)),
      batchnorm_(batchnorm),
      hypers_(std::move(lanes)),
      max_lanes_(max_lanes),
      part_(part) {
  const auto num_parameters = network_->layout().num_parameters;
  const auto options = torch::TensorOptions(data_->dtype()).device(data_->device());
  weights_ = model::lane_slabs(num_lanes(), {num_parameters}, options);
  buffers_ = model::lane_slabs(num_lanes(), {network_->layout().num_buffers}, options);
  if (std::any_of(hypers_.begin(), hypers_.end(), [](const Hyper& hyper) { return hyper.momentum != 0; })) {
    velocities_ = model::lane_slabs(num_lanes(), {num_parameters}, options);
  }
  if (!data_->device().is_cpu()) {
    sgd_ = std::make_unique<SgdOnTensors>();
  }
  if (const auto shape = network_->loop_shape(data_->device()); !shape) {
    gradients_ = model::lane_slabs(std::min(num_lanes(), max_lanes_), {num_parameters}, options);
  } else if (data_->dtype() == torch::kFloat64) {
    loop_ = std::make_unique<Loop>(Loop{MlpLoop<double>(*shape, data_, part)});
  } else {
    loop_ = std::make_unique<Loop>(Loop{MlpLoop<float>(*shape, data_, part)});
  }
}

model::State LanePack::state(std::int64_t lane) const { return {weights_[lane], buffers_[lane]}; }

torch::Tensor LanePack::velocity(std::int64_t lane) const {
  return hyper(lane).momentum != 0 ? velocities_[lane] : torch::Tensor();
}

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
  if (loop_) {
    std::visit([&](auto& loop) { step_by_loop(loop, clock, steps); }, loop_->of_type);
    return;
  }
  const auto rows_of = [&](std::int64_t lane) { return steps[static_cast<std::size_t>(lane)].rows->size(); };
  const auto action_of = [&](std::int64_t lane) { return steps[static_cast<std::size_t>(lane)].action; };
  for (std::int64_t lane = 0; lane < num_lanes();) {
    if (action_of(lane) != Action::train) {
      if (is_skip_with_momentum(action_of(lane))) {
        update(lane, 1, clock, action_of(lane), {});
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

template <typename Real>
void LanePack::step_by_loop(MlpLoop<Real>& loop, std::int64_t clock, const std::vector<LaneStep>& steps) {
  loop.begin_step();
  auto* weights = weights_.data_ptr<Real>();
  auto* velocities = data_or_null<Real>(velocities_);
  const auto size = network_->layout().num_parameters, stride = weights_.stride(0);
  for (std::int64_t lane = 0; lane < num_lanes(); ++lane, weights += stride) {
    const auto& [action, rows, denominator] = steps[static_cast<std::size_t>(lane)];
    const bool trains = action == Action::train;
    if (!trains && !is_skip_with_momentum(action)) {
      continue;
    }
    const auto& of = hyper(lane);
    const Real* gradient = trains ? loop.gradient(weights, *rows, of.loss.at(clock, denominator)) : nullptr;
    auto* velocity = of.momentum != 0 ? velocities + lane * stride : nullptr;
    kernel::update<Real>(rule(lane, clock, action), size, gradient, velocity, weights);
    num_model_steps_ += trains ? 1 : 0;
  }
}

/// Inputs [count, ...shape] and labels [count, rows] of the lanes' batches.
torch::Tensor LanePack::batches(std::int64_t first, std::int64_t count, const std::vector<LaneStep>& steps,
                                std::vector<std::int64_t> shape, torch::Tensor& labels) const {
  const auto num_rows = shape.front();
  const auto rows_of = [&](std::int64_t i) -> const auto& { return *steps[static_cast<std::size_t>(first + i)].rows; };
  if (!data_->device().is_cpu()) {
    std::vector<std::int64_t> rows;
    for (std::int64_t i = 0; i < count; ++i) {
      rows.insert(rows.end(), rows_of(i).begin(), rows_of(i).end());
    }
    labels = data_->labels(part_, rows).view({count, num_rows});
    shape.insert(shape.begin(), count);
    return data_->inputs(part_, rows).view(shape);
  }
  auto inputs = model::lane_slabs(count, std::move(shape), data_->dtype());
  labels = torch::empty({count, num_rows}, torch::kInt64);
  const auto lane_bytes = static_cast<std::size_t>(inputs.stride(0)) * inputs.element_size();
  for (std::int64_t i = 0; i < count; ++i) {
    data_->gather_inputs(part_, rows_of(i),
                         static_cast<std::byte*>(inputs.data_ptr()) + static_cast<std::size_t>(i) * lane_bytes);
    data_->gather_labels(part_, rows_of(i), labels.data_ptr<std::int64_t>() + i * num_rows);
  }
  return inputs;
}

void LanePack::train(std::int64_t first, std::int64_t count, std::int64_t clock, const std::vector<LaneStep>& steps) {
  std::vector<std::int64_t> shape{static_cast<std::int64_t>(steps[static_cast<std::size_t>(first)].rows->size())};
  const auto& input_shape = data_->description().shape;
  shape.insert(shape.end(), input_shape.begin(), input_shape.end());
  torch::Tensor labels;
  const auto inputs = batches(first, count, steps, std::move(shape), labels);
  std::vector<model::LossSpec> losses;
  for (std::int64_t i = 0; i < count; ++i) {
    losses.push_back(hyper(first + i).loss.at(clock, steps[static_cast<std::size_t>(first + i)].denominator));
  }
  auto gradients = gradients_.narrow(0, 0, count);
  const model::Segment segment{weights_.narrow(0, first, count), buffers_.narrow(0, first, count), inputs, labels,
                               losses};
  if (data_->device().is_cpu()) {
    network_->gradients(segment, batchnorm_.training(clock), gradients);
  } else {
    network_->folded_gradients(segment, batchnorm_.training(clock), gradients);
  }
  update(first, count, clock, Action::train, gradients);
  num_model_steps_ += count;
}

kernel::Update LanePack::rule(std::int64_t lane, std::int64_t clock, Action action) const {
  const auto& of = hyper(lane);
  return {of.lr_at(clock), of.momentum, action == Action::drift ? 0 : of.weight_decay};
}

void LanePack::update(std::int64_t first, std::int64_t count, std::int64_t clock, Action action,
                      const torch::Tensor& gradients) {
  if (sgd_) {
    std::vector<kernel::Update> rules;
    for (std::int64_t lane = first; lane < first + count; ++lane) {
      rules.push_back(rule(lane, clock, action));
    }
    const auto weights = weights_.narrow(0, first, count);
    const auto velocities = velocities_.defined() ? velocities_.narrow(0, first, count) : torch::Tensor();
    sgd_->step(first, rules, weights, velocities, gradients.defined() ? gradients : torch::zeros_like(weights));
    return;
  }
  const auto apply = [&]<typename Real>(Real) {
    for (std::int64_t i = 0; i < count; ++i) {
      auto* velocity = hyper(first + i).momentum != 0 ? velocities_[first + i].data_ptr<Real>() : nullptr;
      kernel::update<Real>(rule(first + i, clock, action), network_->layout().num_parameters,
                           gradients.defined() ? gradients[i].data_ptr<Real>() : nullptr, velocity,
                           weights_[first + i].data_ptr<Real>());
    }
  };
  data_->dtype() == torch::kFloat64 ? apply(double{}) : apply(float{});
}

}  // namespace unroll::learn
