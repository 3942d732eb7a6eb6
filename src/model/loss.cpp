#include "unroll/model/loss.hpp"

#include <cmath>

namespace unroll::model {

double gamma_of(const config::Settings::Loss& loss) { return loss.kind == config::LossKind::sd ? loss.gamma : 0; }

torch::Tensor loss(const torch::Tensor& logits, const torch::Tensor& labels, const LossSpec& spec) {
  auto value = torch::nll_loss(torch::log_softmax(logits, 1), labels, {}, at::Reduction::Sum) / spec.denominator;
  if (spec.gamma != 0) {
    const auto variance = logits.var(1, /*unbiased=*/true);
    const auto positive = variance > 0;
    // sqrt of a harmless 1 where the row's logits are equal: no infinite slope enters the graph.
    const auto deviation = torch::where(positive, torch::where(positive, variance, torch::ones_like(variance)).sqrt(),
                                        torch::zeros_like(variance));
    value = value + deviation.sum() * (spec.gamma / (spec.denominator * static_cast<double>(logits.size(1))));
  }
  return value;
}

template <typename Real>
void loss_gradient(const Real* z, const Real* exps, const std::int64_t* labels, std::int64_t num_rows,
                   std::int64_t num_classes, const LossSpec& spec, Real* dz) {
  const auto denominator = static_cast<Real>(spec.denominator);
  const auto num = static_cast<Real>(num_classes);
  const auto weight = static_cast<Real>(spec.gamma / (spec.denominator * static_cast<double>(num_classes)));
  for (std::int64_t row = 0; row < num_rows; ++row, z += num_classes, exps += num_classes, dz += num_classes) {
    Real mean = 0;
    Real sum = 0;
    for (std::int64_t c = 0; c < num_classes; ++c) {
      mean += z[c];
      sum += exps[c];
    }
    mean /= num;
    Real square = 0;
    if (spec.gamma != 0) {
      for (std::int64_t c = 0; c < num_classes; ++c) {
        square += (z[c] - mean) * (z[c] - mean);
      }
    }
    const Real deviation = std::sqrt(square / (num - 1));
    const Real slope = deviation > 0 ? weight / ((num - 1) * deviation) : Real{0};
    for (std::int64_t c = 0; c < num_classes; ++c) {
      const Real hit = c == labels[row] ? Real{1} : Real{0};
      const Real centred = z[c] - mean;
      dz[c] = (exps[c] / sum - hit) / denominator;
      if (spec.gamma != 0) {
        dz[c] += slope * centred;
      }
    }
  }
}

template void loss_gradient<float>(const float*, const float*, const std::int64_t*, std::int64_t, std::int64_t,
                                   const LossSpec&, float*);
template void loss_gradient<double>(const double*, const double*, const std::int64_t*, std::int64_t, std::int64_t,
                                    const LossSpec&, double*);

}  // namespace unroll::model
