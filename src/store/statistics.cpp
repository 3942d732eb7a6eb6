#include "statistics.hpp"

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <limits>
#include <numeric>

#include "unroll/base/random.hpp"

namespace unroll::store {
namespace {

constexpr double kNormalQuantile = 1.959963984540054;  // of 0.975

std::vector<double> mid_ranks(std::span<const double> values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  std::vector<double> ranks(values.size());
  for (std::size_t begin = 0; begin < order.size();) {
    std::size_t end = begin;
    while (end < order.size() && values[order[end]] == values[order[begin]]) {
      ++end;
    }
    for (std::size_t i = begin; i < end; ++i) {
      ranks[order[i]] = static_cast<double>(begin + end - 1) / 2;
    }
    begin = end;
  }
  return ranks;
}

std::optional<double> correlation(std::span<const double> x, std::span<const double> y) {
  const double n = static_cast<double>(x.size());
  const double mean_x = std::accumulate(x.begin(), x.end(), 0.0) / n;
  const double mean_y = std::accumulate(y.begin(), y.end(), 0.0) / n;
  double xx = 0, yy = 0, xy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    xx += (x[i] - mean_x) * (x[i] - mean_x);
    yy += (y[i] - mean_y) * (y[i] - mean_y);
    xy += (x[i] - mean_x) * (y[i] - mean_y);
  }
  const double scale = std::sqrt(xx) * std::sqrt(yy);
  if (!(scale > 0) || !std::isfinite(scale)) {
    return std::nullopt;
  }
  return std::clamp(xy / scale, -1.0, 1.0);
}

Correlation with_interval(std::size_t n, double r, double variance_factor) {
  const double z = std::atanh(r);
  const double half = kNormalQuantile * std::sqrt(variance_factor / static_cast<double>(n - 3));
  return {n, r, std::tanh(z - half), std::tanh(z + half)};
}

}  // namespace

Estimate mean_of(std::span<const double> values) {
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
  const std::size_t n = values.size();
  if (n == 0) {
    return {0, kNaN, kNaN, kNaN};
  }
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(n);
  if (n == 1) {
    return {1, mean, kNaN, kNaN};
  }
  double squares = 0;
  for (const double value : values) {
    squares += (value - mean) * (value - mean);
  }
  const double freedom = static_cast<double>(n - 1);
  const double error = std::sqrt(squares / freedom / static_cast<double>(n));
  const double half = error * boost::math::quantile(boost::math::students_t(freedom), 0.975);
  return {n, mean, mean - half, mean + half};
}

std::optional<Estimate> geometric_mean_of(std::span<const double> values) {
  std::vector<double> logarithms;
  for (const double value : values) {
    if (!(value > 0)) {
      return std::nullopt;
    }
    logarithms.push_back(std::log(value));
  }
  if (logarithms.empty()) {
    return std::nullopt;
  }
  const Estimate logs = mean_of(logarithms);
  return Estimate{logs.num_seeds, std::exp(logs.mean), std::exp(logs.low), std::exp(logs.high)};
}

Estimate median_of(std::vector<double> values) {
  constexpr std::uint64_t kNumResamples = 1000;
  const std::size_t n = values.size();
  if (n == 0) {
    return mean_of(values);
  }
  const auto middle = [](std::vector<double>& sorted) {
    std::sort(sorted.begin(), sorted.end());
    const std::size_t size = sorted.size();
    return (sorted[(size - 1) / 2] + sorted[size / 2]) / 2;
  };
  Estimate estimate = mean_of(values);
  estimate.mean = middle(values);
  if (n == 1) {
    return estimate;
  }
  const RandomStream stream(n, "bootstrap of a median");
  std::vector<double> medians, drawn(n);
  for (std::uint64_t resample = 0; resample < kNumResamples; ++resample) {
    for (std::uint64_t draw = 0; draw < n; ++draw) {
      drawn[draw] = values[static_cast<std::size_t>(((stream.bits(resample, draw) >> 32) * n) >> 32)];
    }
    medians.push_back(middle(drawn));
  }
  std::sort(medians.begin(), medians.end());
  const std::size_t tail = medians.size() / 40;
  estimate.low = medians[tail];
  estimate.high = medians[medians.size() - 1 - tail];
  return estimate;
}

std::optional<Correlation> pearson(std::span<const double> x, std::span<const double> y) {
  const std::optional<double> r = x.size() < kMinSeedsOfCorrelation ? std::nullopt : correlation(x, y);
  return r ? std::optional(with_interval(x.size(), *r, 1)) : std::nullopt;
}

std::optional<Correlation> spearman(std::span<const double> x, std::span<const double> y) {
  const std::optional<double> r =
      x.size() < kMinSeedsOfCorrelation ? std::nullopt : correlation(mid_ranks(x), mid_ranks(y));
  return r ? std::optional(with_interval(x.size(), *r, 1 + *r * *r / 2)) : std::nullopt;
}

}  // namespace unroll::store
