#include "model/batched_mlp.hpp"

#include <ATen/ops/baddbmm.h>
#include <ATen/ops/bmm.h>

#include <algorithm>

#include "model/architectures.hpp"

namespace unroll::model {
namespace {

/// Views [n, out, in] and [n, 1, out] of a layer's weights and biases in flat [n, P].
torch::Tensor view_of(const torch::Tensor& flat, const ParameterSpec& spec) {
  const auto rows = spec.shape.size() == 2 ? spec.shape[0] : 1;
  return flat.narrow(1, spec.offset, spec.size).unflatten(1, {rows, spec.size / rows});
}

torch::Tensor slope_of(config::Activation activation, const torch::Tensor& sums, const torch::Tensor& values) {
  switch (activation) {
    case config::Activation::relu:
      return (sums > 0).to(sums.scalar_type());
    case config::Activation::tanh:
      return 1 - values * values;
    case config::Activation::silu:
      break;
  }
  const auto sigmoid = torch::sigmoid(sums);
  return sigmoid * (1 + sums * (1 - sigmoid));
}

/// One number a lane, as [n, 1, 1].
template <typename Of>
torch::Tensor each(const Segment& segment, Of of) {
  std::vector<double> values;
  for (const auto& loss : segment.losses) {
    values.push_back(of(loss));
  }
  const auto host = torch::tensor(values, torch::kFloat64).view({-1, 1, 1});
  return host.to(segment.weights.device(), segment.weights.scalar_type());
}

/// The gradient of each lane's loss in its logits [n, rows, C] (model/loss.hpp).
torch::Tensor logit_gradients(const Segment& segment, const torch::Tensor& logits) {
  const auto num_classes = logits.size(2);
  auto gradient = torch::softmax(logits, 2);
  const auto labels = segment.labels.unsqueeze(2);
  gradient.scatter_add_(2, labels, torch::full_like(labels, -1, gradient.options()));
  gradient = gradient * each(segment, [](const LossSpec& loss) { return 1 / loss.denominator; });
  const auto has = [&](config::LossKind kind) {
    return std::any_of(segment.losses.begin(), segment.losses.end(),
                       [&](const LossSpec& loss) { return loss.kind == kind && loss.gamma != 0; });
  };
  const auto weights_of = [&](config::LossKind kind) {
    return each(segment, [&](const LossSpec& loss) { return loss.kind == kind ? loss.weight(num_classes) : 0; });
  };
  if (has(config::LossKind::sd)) {
    const auto centred = logits - logits.mean(2, true);
    const auto deviation = ((centred * centred).sum(2, true) / (num_classes - 1)).sqrt();
    gradient = gradient + centred * torch::where(deviation > 0,
                                                 weights_of(config::LossKind::sd) / ((num_classes - 1) * deviation),
                                                 torch::zeros_like(deviation));
  }
  if (has(config::LossKind::hess)) {
    const auto p = torch::softmax(logits, 2);
    gradient = gradient - 2 * weights_of(config::LossKind::hess) * p * (p - (p * p).sum(2, true));
  }
  return gradient;
}

}  // namespace

void batched_mlp_gradients(const Layout& layout, const kernel::MlpShape& shape, const Segment& segment,
                           torch::Tensor& gradients) {
  const torch::NoGradGuard no_grad;
  const auto weight = [&](const torch::Tensor& flat, std::size_t layer) {
    return view_of(flat, layout.parameters[2 * layer]);
  };
  const auto bias = [&](const torch::Tensor& flat, std::size_t layer) {
    return view_of(flat, layout.parameters[2 * layer + 1]);
  };
  const auto num_layers = shape.widths.size() - 1;
  std::vector<torch::Tensor> values{
      segment.inputs.reshape({segment.inputs.size(0), segment.inputs.size(1), shape.widths.front()})};
  std::vector<torch::Tensor> sums;
  for (std::size_t layer = 0; layer < num_layers; ++layer) {
    sums.push_back(at::baddbmm(bias(segment.weights, layer), values.back(), weight(segment.weights, layer).mT()));
    values.push_back(layer + 1 < num_layers ? activate(sums.back(), shape.activation) : sums.back());
  }
  auto slope = logit_gradients(segment, values.back());
  for (std::size_t layer = num_layers; layer-- > 0;) {
    weight(gradients, layer).copy_(at::bmm(slope.mT(), values[layer]));
    bias(gradients, layer).copy_(slope.sum(1, true));
    if (layer > 0) {
      slope =
          at::bmm(slope, weight(segment.weights, layer)) * slope_of(shape.activation, sums[layer - 1], values[layer]);
    }
  }
}

}  // namespace unroll::model
