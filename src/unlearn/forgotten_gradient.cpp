#include <utility>

#include "unroll/unlearn/unlearner.hpp"

namespace unroll::unlearn {

ForgottenGradient::ForgottenGradient(std::shared_ptr<const model::Network> network,
                                     std::shared_ptr<const data::ResidentData> data, const config::Settings& settings,
                                     model::State start, std::optional<std::int64_t> batch_size)
    : network_(std::move(network)),
      data_(std::move(data)),
      statistics_(settings.model.batchnorm == config::BatchNormMode::frozen ? model::Statistics::running
                                                                            : model::Statistics::batch),
      gamma_(model::gamma_of(settings.loss)),
      batch_size_(static_cast<double>(batch_size.value_or(settings.train.batch))),
      denominator_(settings.retrain.denominator),
      start_(std::move(start)) {}

double ForgottenGradient::denominator_left(const Touch& touch) const {
  return static_cast<double>(denominator_ == config::Denominator::left ? touch.rows_left.size() : touch.rows.size());
}

torch::Tensor ForgottenGradient::gradient(const model::State& at, const std::vector<std::int64_t>& rows,
                                          double denominator) {
  const auto computed = [&] {
    return model::gradient(*network_, at, data_->inputs(data::Part::train, rows),
                           data_->labels(data::Part::train, rows), {gamma_, denominator}, statistics_)
        .to(torch::kFloat64);
  };
  if (!at.weights.is_same(start_.weights)) {
    return computed();
  }
  auto& kept = at_start_[{rows, denominator}];
  kept = kept.defined() ? kept : computed();
  return kept;
}

torch::Tensor ForgottenGradient::difference(const model::State& at, const Touch& touch) {
  const auto gradient_all = gradient(at, touch.rows, denominator(touch));
  return touch.rows_left.empty() ? gradient_all : gradient_all - gradient(at, touch.rows_left, denominator_left(touch));
}

torch::Tensor ForgottenGradient::operator()(config::UnlearnForm form, const model::State& at, const Touch& touch) {
  return form == config::UnlearnForm::difference ? difference(at, touch)
                                                 : gradient(at, touch.rows_forgotten, batch_size_);
}

}  // namespace unroll::unlearn
