#include "unroll/metrics/distances.hpp"

#include "unroll/base/block_sum.hpp"

namespace unroll::metrics {
namespace {

template <typename Real>
SquaredDistances layer_distances(const model::ParameterSpec& spec, const torch::Tensor& original,
                                 const torch::Tensor& retrained, const torch::Tensor& correction,
                                 const torch::Tensor& start) {
  const auto* w = original.data_ptr<Real>() + spec.offset;
  const auto* r = retrained.data_ptr<Real>() + spec.offset;
  const auto* c = correction.data_ptr<double>() + spec.offset;
  const auto* s = start.data_ptr<Real>() + spec.offset;
  const auto sums = block_sum<6>(spec.size, [&](std::int64_t i) {
    const double weight = w[i], other = r[i], from_start = weight - static_cast<double>(s[i]);
    const double apart = weight - other;
    const double left = apart + c[i];
    return std::array{left * left, apart * apart, c[i] * c[i], other * other, from_start * from_start, -c[i] * apart};
  });
  return {sums[0], sums[1], sums[2], sums[3], sums[4], sums[5]};
}

template <typename Real>
double squared_distance_of(const torch::Tensor& a, const torch::Tensor& b) {
  const auto* x = a.data_ptr<Real>();
  const auto* y = b.data_ptr<Real>();
  return block_sum<1>(a.numel(), [&](std::int64_t i) {
    const double apart = static_cast<double>(x[i]) - static_cast<double>(y[i]);
    return std::array{apart * apart};
  })[0];
}

}  // namespace

SquaredDistances& SquaredDistances::operator+=(const SquaredDistances& other) {
  verification += other.verification;
  no_unlearning += other.no_unlearning;
  correction += other.correction;
  retrained += other.retrained;
  from_start += other.from_start;
  cross += other.cross;
  return *this;
}

PairDistances pair_distances(const model::Layout& layout, const torch::Tensor& original, const torch::Tensor& retrained,
                             const torch::Tensor& correction, const torch::Tensor& start) {
  PairDistances distances;
  for (const auto& spec : layout.parameters) {
    distances.layers.push_back(original.scalar_type() == torch::kFloat64
                                   ? layer_distances<double>(spec, original, retrained, correction, start)
                                   : layer_distances<float>(spec, original, retrained, correction, start));
    distances.total += distances.layers.back();
  }
  return distances;
}

double squared_distance(const torch::Tensor& a, const torch::Tensor& b) {
  return a.scalar_type() == torch::kFloat64 ? squared_distance_of<double>(a, b) : squared_distance_of<float>(a, b);
}

double squared_norm(const torch::Tensor& a) { return squared_distance(a, torch::zeros_like(a)); }

}  // namespace unroll::metrics
