#include "unroll/model/loss.hpp"

#include <cmath>

namespace unroll::model {
namespace {

/// The sum over rows of the standard deviation over classes.
torch::Tensor deviations(const torch::Tensor& logits) {
  const auto variance = logits.var(1, /*unbiased=*/true);
  const auto positive = variance > 0;
  // sqrt of a harmless 1 where the row's logits are equal: no infinite slope enters the graph.
  return torch::where(positive, torch::where(positive, variance, torch::ones_like(variance)).sqrt(),
                      torch::zeros_like(variance))
      .sum();
}

/// The sum over rows of 1 - sum p^2.
torch::Tensor traces(const torch::Tensor& logits) {
  return static_cast<double>(logits.size(0)) - torch::softmax(logits, 1).square().sum();
}

}  // namespace

double TrainingLoss::gamma_at(std::int64_t step) const {
  const auto period = form.gamma_decay_every * steps_per_epoch;
  const auto num_divisions = step > 0 ? (step - 1) / period : 0;
  return form.gamma / std::pow(form.gamma_decay, static_cast<double>(num_divisions));
}

LossSpec TrainingLoss::at(std::int64_t step, double denominator) const {
  return {gamma_at(step), denominator, form.kind, form.sd};
}

TrainingLoss training_loss(const config::Settings& settings, std::int64_t steps_per_epoch) {
  const auto& train = settings.train;
  return {settings.loss, steps_per_epoch, train.l2_in == config::L2In::loss ? train.weight_decay : 0};
}

torch::Tensor loss(const torch::Tensor& logits, const torch::Tensor& labels, const LossSpec& spec) {
  const auto value = torch::nll_loss(torch::log_softmax(logits, 1), labels, {}, at::Reduction::Sum) / spec.denominator;
  const double weight = spec.weight(logits.size(1));
  if (weight == 0) {
    return value;
  }
  return value + weight * (spec.kind == config::LossKind::sd ? deviations(logits) : traces(logits));
}

}  // namespace unroll::model
