#include "unroll/metrics/estimates.hpp"

#include <cmath>

namespace unroll::metrics {

std::array<double, record::kNumUnlearningErrors> unlearning_errors(double eta, std::int64_t steps,
                                                                   double distance_from_start,
                                                                   const Curvature& curvature) {
  const double sigmas[2][2] = {{curvature.sigma, curvature.sigma_rolling},
                               {curvature.sigma_sqrt, curvature.sigma_sqrt_rolling}};
  const double steps_after = steps > 0 ? static_cast<double>(steps - 1) : 0;
  std::array<double, record::kNumUnlearningErrors> errors{};
  for (std::size_t index = 0; index < errors.size(); ++index) {
    const double sigma = sigmas[index >> 3 & 1][index & 1];
    const double half = (index >> 2 & 1) != 0 ? 1 : 0.5;
    const double rate = (index >> 1 & 1) != 0 ? eta : eta * eta;
    errors[index] = steps == 0 ? 0 : rate * steps_after * half * distance_from_start * sigma;
  }
  return errors;
}

double growth_bound(double eta_times_gradient_norm, const std::vector<double>& eta_times_lambda) {
  double log_growth = 0;
  for (const double x : eta_times_lambda) {
    log_growth += std::log1p(x);
  }
  return eta_times_gradient_norm * std::expm1(log_growth);
}

}  // namespace unroll::metrics
