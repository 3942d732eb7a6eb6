#include "model_bootstrap.hpp"

#include <algorithm>
#include <cmath>

#include "unroll/base/random.hpp"

namespace unroll::store {
namespace {

/// pairs ascending by distance; counts: how often each model was drawn. NaN when only one was.
double weighted_median(const std::vector<ModelPair>& pairs, const std::vector<std::int64_t>& counts) {
  std::int64_t all = 0;
  for (const ModelPair& pair : pairs) {
    all += counts[pair.a] * counts[pair.b];
  }
  std::int64_t before = 0;
  for (auto pair = pairs.begin(); pair != pairs.end(); ++pair) {
    const std::int64_t weight = counts[pair->a] * counts[pair->b];
    before += weight;
    if (weight == 0 || 2 * before < all) {
      continue;
    }
    if (2 * before > all) {
      return pair->distance;
    }
    const auto next =
        std::find_if(pair + 1, pairs.end(), [&](const ModelPair& p) { return counts[p.a] * counts[p.b] > 0; });
    return (pair->distance + next->distance) / 2;
  }
  return record::kUndefined;
}

std::vector<std::int64_t> drawn(std::size_t num_models, const RandomStream& stream, std::uint64_t resample) {
  std::vector<std::int64_t> counts(num_models, 0);
  for (std::uint64_t draw = 0; draw < num_models; ++draw) {
    const std::uint64_t bits = stream.bits(resample, draw) >> 32;
    ++counts[static_cast<std::size_t>((bits * num_models) >> 32)];
  }
  return counts;
}

}  // namespace

Floor floor_of(std::size_t num_models, std::vector<ModelPair> pairs, std::uint64_t seed) {
  Floor floor;
  if (num_models < 2 || pairs.size() != num_models * (num_models - 1) / 2 ||
      std::any_of(pairs.begin(), pairs.end(), [](const ModelPair& pair) { return !std::isfinite(pair.distance); })) {
    return floor;
  }
  std::sort(pairs.begin(), pairs.end(),
            [](const ModelPair& left, const ModelPair& right) { return left.distance < right.distance; });
  floor.median = weighted_median(pairs, std::vector<std::int64_t>(num_models, 1));
  if (num_models < 3) {
    return floor;
  }
  const RandomStream stream(seed, "bootstrap over models");
  std::vector<double> medians;
  for (std::uint64_t resample = 0; resample < kNumResamples; ++resample) {
    const double median = weighted_median(pairs, drawn(num_models, stream, resample));
    if (!std::isnan(median)) {
      medians.push_back(median);
    }
  }
  std::sort(medians.begin(), medians.end());
  const std::size_t tail = medians.size() / 40;  // 2.5 % at each end
  floor.low = medians[tail];
  floor.high = medians[medians.size() - 1 - tail];
  return floor;
}

}  // namespace unroll::store
