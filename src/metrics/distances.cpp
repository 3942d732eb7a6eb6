#include "unroll/metrics/distances.hpp"

#include "unroll/base/block_sum.hpp"

namespace unroll::metrics {
namespace {

template <typename Real>
struct Models {
  const Real *original, *retrained, *start;
  const double* correction;
};

template <typename Real>
UNROLL_INLINE_LOOP SquaredDistances sums_of(std::int64_t count, const Models<Real>& models) {
  const auto sums = block_sum<6>(
      count, [&](std::int64_t i, std::int64_t n, Ways * sum) __attribute__((always_inline)) {
        Ways weight, other, start, correction;
        load_ways(models.original + i, n, weight);
        load_ways(models.retrained + i, n, other);
        load_ways(models.start + i, n, start);
        load_ways(models.correction + i, n, correction);
        const Ways apart = weight - other, left = apart + correction, from_start = weight - start;
        sum[0] += left * left;
        sum[1] += apart * apart;
        sum[2] += correction * correction;
        sum[3] += other * other;
        sum[4] += from_start * from_start;
        sum[5] += -correction * apart;
      });
  return {sums[0], sums[1], sums[2], sums[3], sums[4], sums[5]};
}

UNROLL_WIDE SquaredDistances distances_of(std::int64_t count, const Models<float>& models) {
  return sums_of(count, models);
}
UNROLL_WIDE SquaredDistances distances_of(std::int64_t count, const Models<double>& models) {
  return sums_of(count, models);
}

template <typename Real>
SquaredDistances layer_distances(const model::ParameterSpec& spec, const torch::Tensor& original,
                                 const torch::Tensor& retrained, const torch::Tensor& correction,
                                 const torch::Tensor& start) {
  return distances_of(spec.size,
                      Models<Real>{original.data_ptr<Real>() + spec.offset, retrained.data_ptr<Real>() + spec.offset,
                                   start.data_ptr<Real>() + spec.offset, correction.data_ptr<double>() + spec.offset});
}

UNROLL_WIDE double squared_distance_of(std::int64_t count, const float* a, const float* b) {
  return square_apart(count, a, b);
}
UNROLL_WIDE double squared_distance_of(std::int64_t count, const double* a, const double* b) {
  return square_apart(count, a, b);
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

PairDistances pair_distances(const model::Layout& layout, const torch::Tensor& of_original,
                             const torch::Tensor& of_retrained, const torch::Tensor& of_correction,
                             const torch::Tensor& of_start) {
  const auto original = of_original.cpu(), retrained = of_retrained.cpu(), correction = of_correction.cpu(),
             start = of_start.cpu();
  PairDistances distances;
  for (const auto& spec : layout.parameters) {
    distances.layers.push_back(original.scalar_type() == torch::kFloat64
                                   ? layer_distances<double>(spec, original, retrained, correction, start)
                                   : layer_distances<float>(spec, original, retrained, correction, start));
    distances.total += distances.layers.back();
  }
  return distances;
}

double squared_distance(const torch::Tensor& of_a, const torch::Tensor& of_b) {
  const auto a = of_a.cpu(), b = of_b.cpu();
  return a.scalar_type() == torch::kFloat64 ? squared_distance_of(a.numel(), a.data_ptr<double>(), b.data_ptr<double>())
                                            : squared_distance_of(a.numel(), a.data_ptr<float>(), b.data_ptr<float>());
}

double squared_norm(const torch::Tensor& a) { return squared_distance(a, torch::zeros_like(a)); }

}  // namespace unroll::metrics
