#include "unroll/unlearn/forgotten_gradient.hpp"

#include "unroll/learn/curvature.hpp"

namespace unroll::unlearn {

ForgottenGradient::ForgottenGradient(std::shared_ptr<const model::Network> network,
                                     std::shared_ptr<const data::ResidentData> data, const config::Settings& settings,
                                     model::State start, std::int64_t steps_per_epoch,
                                     std::optional<std::int64_t> batch_size)
    : network_(std::move(network)),
      data_(std::move(data)),
      batchnorm_(settings.model),
      loss_(model::training_loss(settings, steps_per_epoch)),
      batch_size_(static_cast<double>(batch_size.value_or(settings.train.batch))),
      denominator_(settings.retrain.denominator),
      start_(std::move(start)) {}

double ForgottenGradient::denominator_left(const Touch& touch) const {
  return static_cast<double>(denominator_ == config::Denominator::left ? touch.rows_left.size() : touch.rows.size());
}

torch::Tensor ForgottenGradient::with_l2(torch::Tensor gradient, const model::State& at, double part) const {
  return loss_.l2 != 0 ? gradient + at.weights.to(torch::kFloat64) * (loss_.l2 * part) : gradient;
}

torch::Tensor ForgottenGradient::computed(const model::State& at, std::int64_t step,
                                          const std::vector<std::int64_t>& rows, double denominator) const {
  return model::gradient(*network_, at, data_->inputs(data::Part::train, rows), data_->labels(data::Part::train, rows),
                         loss_.at(step, denominator), statistics(step))
      .to(torch::kFloat64);
}

torch::Tensor ForgottenGradient::gradient(const model::State& at, std::int64_t step,
                                          const std::vector<std::int64_t>& rows, double denominator) {
  if (!at.weights.is_same(start_.weights)) {
    return computed(at, step, rows, denominator);
  }
  auto& kept = at_start_[{rows, denominator}];
  kept = kept.defined() ? kept : computed(at, step, rows, denominator);
  return kept;
}

torch::Tensor ForgottenGradient::difference(const model::State& at, const Touch& touch) {
  const auto gradient_all = gradient(at, touch.step, touch.rows, denominator(touch));
  return touch.rows_left.empty() ? with_l2(gradient_all, at, 1)
                                 : gradient_all - gradient(at, touch.step, touch.rows_left, denominator_left(touch));
}

torch::Tensor ForgottenGradient::operator()(config::UnlearnForm form, const model::State& at, const Touch& touch) {
  if (!instead_.empty()) {
    return with_l2(computed(at, touch.step, instead_, static_cast<double>(instead_.size())), at, 1);
  }
  if (form == config::UnlearnForm::difference) {
    return difference(at, touch);
  }
  return with_l2(gradient(at, touch.step, touch.rows_forgotten, batch_size_), at,
                 static_cast<double>(touch.rows_forgotten.size()) / batch_size_);
}

torch::Tensor ForgottenGradient::hessian_product(const model::State& at, std::int64_t step,
                                                 const std::vector<std::int64_t>& rows, double denominator,
                                                 const torch::Tensor& v) const {
  const learn::Hessian hessian(*network_, at, data_->inputs(data::Part::train, rows),
                               data_->labels(data::Part::train, rows), loss_.at(step, denominator), statistics(step));
  return hessian(v.to(at.weights.scalar_type())).to(torch::kFloat64);
}

}  // namespace unroll::unlearn
