#include "execute/fork_estimates.hpp"

#include <cmath>

#include "unroll/metrics/distances.hpp"
#include "unroll/model/archive.hpp"

namespace unroll::execute {

ForkEstimates::ForkEstimates(std::shared_ptr<unlearn::ForgottenGradient> gradient, const model::State& start,
                             bool one_hvp)
    : gradient_(std::move(gradient)), start_(start), one_hvp_(one_hvp) {}

void ForkEstimates::before_step(const unlearn::Touch& touch, const model::State& original, double rates_after,
                                const CurvatureTrack& track) {
  const bool first = num_touches_++ == 0;
  if (!first && !one_hvp_) {
    return;
  }
  const auto at_start = gradient_->difference(start_, touch);
  if (first) {
    first_step_ = touch.step;
    first_gradient_ = one_hvp_ ? at_start : torch::Tensor{};
    eta_norm_at_start_ = touch.lr * std::sqrt(metrics::squared_norm(at_start));
    if (touch.step == 0) {
      eta_norm_at_step_ = eta_norm_at_start_;
    } else if (track.keeps_sizes()) {
      eta_norm_at_step_ = touch.lr * std::sqrt(metrics::squared_norm(gradient_->difference(original, touch)));
    }
  }
  if (!one_hvp_) {
    return;
  }
  if (first) {
    sum_ = torch::zeros_like(at_start);
    late_sum_ = torch::zeros_like(at_start);
    position_ = torch::zeros_like(at_start);
  }
  sum_ += at_start * touch.lr;
  late_sum_ += at_start * (touch.lr * rates_after);
  if (touch.step > 0) {
    const auto moved = original.weights - start_.weights;
    const auto turned = [&](const std::vector<std::int64_t>& rows, double denominator) {
      return track.hessian(start_, touch.step, rows, denominator)(moved).to(torch::kFloat64) * touch.lr;
    };
    position_ += turned(touch.rows, gradient_->denominator(touch));
    if (!touch.rows_left.empty()) {
      position_ -= turned(touch.rows_left, gradient_->denominator_left(touch));
    }
  }
}

void ForkEstimates::transfer(Archive& archive) {
  archive(num_touches_, first_step_, eta_norm_at_start_, eta_norm_at_step_, sum_, late_sum_, position_, first_gradient_,
          hessian_gradient_norm_);
  for (auto* values : {&sum_, &late_sum_, &position_, &first_gradient_}) {
    *values = values->defined() ? values->to(start_.weights.device()) : *values;
  }
}

learn::Hessian ForkEstimates::hessian_at_start(const CurvatureTrack& track) const {
  return track.hessian(start_, 0, track.fixed_rows(), static_cast<double>(track.fixed_rows().size()));
}

double ForkEstimates::one_hvp(double rates, const CurvatureTrack& track, bool at_start) const {
  if (!one_hvp_) {
    return record::kUndefined;
  }
  if (num_touches_ == 0) {
    return 0;
  }
  const auto v = (sum_ * rates - late_sum_).to(start_.weights.scalar_type());
  const auto product = hessian_at_start(track)(v).to(torch::kFloat64);
  return std::sqrt(metrics::squared_norm(at_start ? product - position_ : product));
}

double ForkEstimates::hessian_gradient_norm(const CurvatureTrack& track) {
  if (!one_hvp_) {
    return record::kUndefined;
  }
  if (!hessian_gradient_norm_) {
    const auto v = first_gradient_.to(start_.weights.scalar_type());
    hessian_gradient_norm_ = std::sqrt(metrics::squared_norm(hessian_at_start(track)(v)));
  }
  return *hessian_gradient_norm_;
}

}  // namespace unroll::execute
