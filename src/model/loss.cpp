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

}  // namespace unroll::model
