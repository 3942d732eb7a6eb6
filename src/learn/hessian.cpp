// Hessian-vector products at fixed weights: hand-written loops for linear and mlp, double backward for the others.
#include <torch/csrc/autograd/autograd.h>

#include "unroll/learn/curvature.hpp"

namespace unroll::learn {
namespace {

template <typename Real>
SymmetricMap by_kernel(const kernel::MlpShape& shape, const model::State& state, const torch::Tensor& inputs,
                       const torch::Tensor& labels, const model::LossSpec& loss) {
  auto mlp = std::make_shared<kernel::Mlp<Real>>(shape);
  const auto batch_inputs = inputs.contiguous();
  const auto rows = model::row_pointers<Real>(batch_inputs);
  const auto weights = state.weights.contiguous();
  mlp->set_point(weights.data_ptr<Real>(), {rows.data(), labels.data_ptr<std::int64_t>(), inputs.size(0)}, loss);
  return [mlp, batch_inputs](const torch::Tensor& v) {
    auto product = torch::empty_like(v);
    mlp->hessian_product(v.data_ptr<Real>(), product.data_ptr<Real>());
    return product;
  };
}

SymmetricMap by_autograd(const model::Network& network, const model::State& state, const torch::Tensor& inputs,
                         const torch::Tensor& labels, const model::LossSpec& loss, model::Statistics statistics) {
  auto parameters = network.views(state.weights);
  for (auto& parameter : parameters) {
    parameter = parameter.detach().clone().requires_grad_();
  }
  const auto logits = network.logits(parameters, state.buffers, inputs, statistics);
  const auto gradients = torch::autograd::grad({model::loss(logits, labels, loss)}, parameters, {}, true, true);
  return [&network, parameters, gradients](const torch::Tensor& v) {
    const auto parts = torch::autograd::grad(gradients, parameters, network.views(v), true, false, true);
    const torch::NoGradGuard no_grad;
    auto product = torch::zeros_like(v);
    auto out = network.views(product);
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (parts[i].defined()) {
        out[i].copy_(parts[i]);
      }
    }
    return product;
  };
}

}  // namespace

Hessian::Hessian(const model::Network& network, const model::State& state, const torch::Tensor& inputs,
                 const torch::Tensor& labels, const model::LossSpec& loss, model::Statistics statistics) {
  const auto shape = network.mlp_shape();
  if (!shape) {
    map_ = by_autograd(network, state, inputs, labels, loss, statistics);
  } else if (state.weights.scalar_type() == torch::kFloat64) {
    map_ = by_kernel<double>(*shape, state, inputs, labels, loss);
  } else {
    map_ = by_kernel<float>(*shape, state, inputs, labels, loss);
  }
}

}  // namespace unroll::learn
