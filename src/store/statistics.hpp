#pragma once
// The few statistics of the report. The unit is the seed: values are independent, one a seed.
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace unroll::store {

struct Estimate {
  std::size_t num_seeds = 0;
  double mean = 0;
  double low = 0, high = 0;  // 95 % interval; NaN for fewer than 2 seeds
};

/// Arithmetic mean and t-interval.
[[nodiscard]] Estimate mean_of(std::span<const double> values);
/// Geometric mean, and the t-interval of the logarithms: for positive skewed values. nullopt unless all are > 0.
[[nodiscard]] std::optional<Estimate> geometric_mean_of(std::span<const double> values);

/// Median, with its 95 % interval by 1,000 bootstrap draws (percentile; the same draws for equal counts).
[[nodiscard]] Estimate median_of(std::vector<double> values);

struct Correlation {
  std::size_t num_seeds = 0;
  double r = 0;
  double low = 0, high = 0;  // 95 % interval by Fisher's z
};
inline constexpr std::size_t kMinSeedsOfCorrelation = 4;  // Fisher's z divides by n - 3

/// Pearson's r; nullopt for fewer than 4 pairs or when either side is constant.
[[nodiscard]] std::optional<Correlation> pearson(std::span<const double> x, std::span<const double> y);
/// Spearman's rho on mid-ranks; variance of z as in Bonett and Wright, Psychometrika 65 (2000).
[[nodiscard]] std::optional<Correlation> spearman(std::span<const double> x, std::span<const double> y);

}  // namespace unroll::store
