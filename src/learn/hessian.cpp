// Hessian-vector products at fixed weights: hand-written loops for linear and mlp, double backward for the others.
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>

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

/// Double backward: the gradient with its graph, from which products are taken.
class GradientGraph {
 public:
  GradientGraph(const model::Network& network, const model::State& state, const torch::Tensor& inputs,
                const torch::Tensor& labels, const model::LossSpec& loss, model::Statistics statistics)
      : network_(network), parameters_(network.views(state.weights)) {
    for (auto& parameter : parameters_) {
      parameter = parameter.detach().clone().requires_grad_();
    }
    const auto logits = network.logits(parameters_, state.buffers, inputs, statistics);
    gradients_ = torch::autograd::grad({model::loss(logits, labels, loss)}, parameters_, {}, true, true);
  }

  void add_product(const torch::Tensor& v, torch::Tensor& sum, bool stays) const {
    const auto parts = torch::autograd::grad(gradients_, parameters_, network_.views(v), stays, false, true);
    const torch::NoGradGuard no_grad;
    auto out = network_.views(sum);
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (parts[i].defined()) {
        out[i].add_(parts[i]);
      }
    }
  }

 private:
  const model::Network& network_;
  std::vector<torch::Tensor> parameters_, gradients_;
};

/// Chunks of rows one after another; the first ones keep their graphs, as far as memory was granted.
SymmetricMap by_chunks(const model::Network& network, const model::State& state, const torch::Tensor& inputs,
                       const torch::Tensor& labels, const model::LossSpec& loss, const GraphMemory& memory) {
  const auto graph_of = [=, &network](std::int64_t first) {
    const auto rows = std::min(memory.chunk_rows, inputs.size(0) - first);
    return GradientGraph(network, state, inputs.narrow(0, first, rows), labels.narrow(0, first, rows), loss,
                         model::Statistics::running);
  };
  const auto kept = std::make_shared<std::vector<GradientGraph>>();
  std::int64_t num_kept = 0;
  while (num_kept < inputs.size(0) && std::min(num_kept + memory.chunk_rows, inputs.size(0)) <= memory.kept_rows) {
    kept->push_back(graph_of(num_kept));
    num_kept += memory.chunk_rows;
  }
  return [=](const torch::Tensor& v) {
    auto product = torch::zeros_like(v);
    for (const auto& graph : *kept) {
      graph.add_product(v, product, true);
    }
    for (std::int64_t first = num_kept; first < inputs.size(0); first += memory.chunk_rows) {
      graph_of(first).add_product(v, product, false);
    }
    return product;
  };
}

SymmetricMap by_autograd(const model::Network& network, const model::State& state, const torch::Tensor& inputs,
                         const torch::Tensor& labels, const model::LossSpec& loss, model::Statistics statistics,
                         const GraphMemory& memory) {
  if (statistics == model::Statistics::running && inputs.size(0) > memory.chunk_rows) {
    return by_chunks(network, state, inputs, labels, loss, memory);
  }
  const GradientGraph graph(network, state, inputs, labels, loss, statistics);
  return [graph](const torch::Tensor& v) {
    auto product = torch::zeros_like(v);
    graph.add_product(v, product, true);
    return product;
  };
}

}  // namespace

Hessian::Hessian(const model::Network& network, const model::State& anywhere, const torch::Tensor& inputs,
                 const torch::Tensor& labels, const model::LossSpec& loss, model::Statistics statistics, double l2,
                 GraphMemory memory)
    : device_(inputs.device()), l2_(l2) {
  const auto state = anywhere.on(device_);
  const auto shape = network.loop_shape(inputs.device());
  if (!shape) {
    map_ = by_autograd(network, state, inputs, labels, loss, statistics, memory);
  } else if (state.weights.scalar_type() == torch::kFloat64) {
    map_ = by_kernel<double>(*shape, state, inputs, labels, loss);
  } else {
    map_ = by_kernel<float>(*shape, state, inputs, labels, loss);
  }
}

torch::Tensor Hessian::operator()(const torch::Tensor& v) const {
  auto product = map_(v.to(device_)).to(v.device());
  return l2_ != 0 ? product.add_(v, l2_) : product;
}

}  // namespace unroll::learn
