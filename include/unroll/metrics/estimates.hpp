#pragma once
// Estimates of the verification error that need no retraining, as formulas of a few numbers (METHODS 1.0, 3.2 and
// "read this first" 4). They are derived for plain SGD with a constant learning rate.
#include <array>
#include <cstdint>
#include <vector>

#include "unroll/record/rows.hpp"

namespace unroll::metrics {

struct Curvature {
  double sigma;          // |lambda|
  double sigma_sqrt;     // sqrt(lambda), NaN for lambda < 0
  double sigma_rolling;  // means over the measurements so far; NaN when not kept
  double sigma_sqrt_rolling;
};

/// eta^p (T - 1) h ||w_T - w_0|| s, for p in {2, 1}, h in {1/2, 1}, s in {|lambda|, sqrt(lambda)} now or rolling; 0 at
/// T = 0. The published unlearning error is p = 2, h = 1/2 with sqrt(lambda) (Thudi et al., section 4; METHODS A1).
/// Indexed as record::PairRow::unlearning_error. A proxy, not a bound.
[[nodiscard]] std::array<double, record::kNumUnlearningErrors> unlearning_errors(double eta, std::int64_t steps,
                                                                                 double distance_from_start,
                                                                                 const Curvature& curvature);

/// eta_k ||g*|| (prod over s in (k, T) of (1 + eta_s |lambda_s|) - 1), with g* at w_k. A bound on the verification
/// error of smooth nets when |lambda_s| bounds the Hessian of step s between M and M', and the method adds back g* at
/// w_k.
[[nodiscard]] double growth_bound(double eta_times_gradient_norm, const std::vector<double>& eta_times_lambda);

}  // namespace unroll::metrics
