#include "execute/twin.hpp"

#include <cmath>
#include <limits>

#include "unroll/base/random.hpp"

namespace unroll::execute {
namespace {

template <typename Real>
void move_by_ulp(torch::Tensor& weights, const RandomStream& stream) {
  constexpr Real kInfinity = std::numeric_limits<Real>::infinity();
  Real* values = weights.data_ptr<Real>();
  for (std::int64_t i = 0; i < weights.numel(); ++i) {
    if (std::isfinite(values[i])) {
      const bool is_up = (stream.bits(0, static_cast<std::uint64_t>(i)) & 1) != 0;
      values[i] = std::nextafter(values[i], is_up ? kInfinity : -kInfinity);
    }
  }
}

}  // namespace

model::State ulp_twin(const model::State& start, std::uint64_t seed) {
  model::State twin{start.weights.cpu().clone(), start.buffers.cpu().clone()};
  const RandomStream stream(seed, "ulp");
  if (twin.weights.scalar_type() == torch::kFloat64) {
    move_by_ulp<double>(twin.weights, stream);
  } else {
    move_by_ulp<float>(twin.weights, stream);
  }
  return twin;
}

std::uint64_t twin_seed(const plan::Pretraining& pretraining) {
  return std::stoull(pretraining.id.substr(0, 16), nullptr, 16);
}

}  // namespace unroll::execute
