// linear (no hidden layer) and mlp, folded: n lanes are one batched product a layer, forward and backward written
// out by hand. What keeps a lane's bits its own (measured, torch 2.11; src/model/README.md):
//   - batched products (bmm) give each lane the same bits at every count and position, as long as all lanes start alike
//     within a cache line; sums over the batch are products with a row of ones for that reason;
//   - LibTorch's vectorised unary functions treat the last elements of a buffer differently (sigmoid's bits differ),
//     so every lane's slab of activations is padded to a multiple of 64 elements;
//   - everything else is a plain loop compiled without contraction.
#include <ATen/ops/baddbmm.h>
#include <ATen/ops/bmm.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "model/architectures.hpp"
#include "unroll/base/error.hpp"

namespace unroll::model {
namespace {

/// [n, rows, columns] whose lanes start on multiples of kLaneStart elements; `flat` is the whole, padding included.
struct Slabs {
  torch::Tensor flat;  // [n, stride]
  torch::Tensor view;  // [n, rows, columns]

  Slabs(std::int64_t n, std::int64_t rows, std::int64_t columns, const torch::TensorOptions& options) {
    const std::int64_t stride = (rows * columns + kLaneStart - 1) / kLaneStart * kLaneStart;
    flat = torch::empty({n, stride}, options);
    if (stride != rows * columns) {
      flat.narrow(1, rows * columns, stride - rows * columns).zero_();
    }
    view = flat.as_strided({n, rows, columns}, {stride, columns, 1});
  }
};

template <typename Real>
void multiply_by_slope(const Real* value, const Real* sigmoid, const Real* input, std::int64_t count,
                       config::Activation activation, Real* gradient) {
  switch (activation) {
    case config::Activation::relu:
      for (std::int64_t i = 0; i < count; ++i) {
        gradient[i] = value[i] > 0 ? gradient[i] : Real{0};
      }
      break;
    case config::Activation::tanh:
      for (std::int64_t i = 0; i < count; ++i) {
        gradient[i] *= 1 - value[i] * value[i];
      }
      break;
    case config::Activation::silu:
      for (std::int64_t i = 0; i < count; ++i) {
        gradient[i] *= sigmoid[i] * (1 + input[i] * (1 - sigmoid[i]));
      }
      break;
  }
}

/// A hidden layer's outputs, with what its slope needs.
struct Hidden {
  Slabs value;
  torch::Tensor sigmoid, input;  // silu only, shaped as value.flat
};

class FoldedMlp final : public Network {
 public:
  FoldedMlp(Layout layout, std::vector<std::int64_t> widths, config::Activation activation)
      : Network(std::move(layout), widths.back()), widths_(std::move(widths)), activation_(activation) {}

  void gradients(const Segment& segment, Statistics, torch::Tensor& gradients) const override {
    const torch::NoGradGuard no_grad;
    const std::int64_t n = segment.weights.size(0);
    const std::int64_t rows = segment.inputs.size(1);
    const auto inputs =
        segment.inputs.as_strided({n, rows, widths_.front()}, {segment.inputs.stride(0), widths_.front(), 1});
    const std::size_t num_layers = widths_.size() - 1;

    std::vector<Hidden> hidden;
    for (std::size_t layer = 0; layer + 1 < num_layers; ++layer) {
      hidden.push_back(activated(product(segment.weights, layer, layer ? hidden.back().value.view : inputs)));
    }
    const auto& last_input = hidden.empty() ? inputs : hidden.back().value.view;
    Slabs slope = product(segment.weights, num_layers - 1, last_input);  // logits, then their gradient
    to_logit_gradient(segment, slope);

    Slabs ones(n, 1, rows, slope.flat.options());
    ones.flat.fill_(1);
    for (std::size_t layer = num_layers; layer-- > 0;) {
      const auto& input = layer ? hidden[layer - 1].value.view : inputs;
      auto weight_gradient = weight_view(gradients, layer);
      auto bias_gradient = bias_view(gradients, layer);
      at::bmm_out(weight_gradient, slope.view.transpose(1, 2), input);
      at::bmm_out(bias_gradient, ones.view, slope.view);
      if (layer > 0) {
        Slabs next(n, rows, widths_[layer], slope.flat.options());
        at::bmm_out(next.view, slope.view, weight_view(segment.weights, layer));
        multiply_by_slope(hidden[layer - 1], next);
        slope = std::move(next);
      }
    }
  }

  torch::Tensor logits(std::span<const torch::Tensor> parameters, const torch::Tensor&, const torch::Tensor& inputs,
                       Statistics) const override {
    auto x = inputs.reshape({inputs.size(0), widths_.front()});
    for (std::size_t layer = 0; layer + 1 < widths_.size(); ++layer) {
      x = torch::addmm(parameters[2 * layer + 1], x, parameters[2 * layer].t());
      if (layer + 2 < widths_.size()) {
        x = activate(x, activation_);
      }
    }
    return x;
  }

 private:
  [[nodiscard]] torch::Tensor weight_view(const torch::Tensor& flat, std::size_t layer) const {
    const auto& spec = layout().parameters[2 * layer];
    return flat.as_strided({flat.size(0), spec.shape[0], spec.shape[1]}, {flat.stride(0), spec.shape[1], 1},
                           flat.storage_offset() + spec.offset);
  }
  [[nodiscard]] torch::Tensor bias_view(const torch::Tensor& flat, std::size_t layer) const {
    const auto& spec = layout().parameters[2 * layer + 1];
    return flat.as_strided({flat.size(0), 1, spec.shape[0]}, {flat.stride(0), spec.shape[0], 1},
                           flat.storage_offset() + spec.offset);
  }

  /// input [n, rows, in] times the layer's weights plus its bias.
  [[nodiscard]] Slabs product(const torch::Tensor& weights, std::size_t layer, const torch::Tensor& input) const {
    Slabs out(weights.size(0), input.size(1), widths_[layer + 1], input.options());
    const auto bias = bias_view(weights, layer).expand({weights.size(0), input.size(1), widths_[layer + 1]});
    at::baddbmm_out(out.view, bias, input, weight_view(weights, layer).transpose(1, 2));
    return out;
  }

  [[nodiscard]] Hidden activated(Slabs slabs) const {
    switch (activation_) {
      case config::Activation::relu:
        slabs.flat.clamp_min_(0);
        return {std::move(slabs), {}, {}};
      case config::Activation::tanh:
        slabs.flat.tanh_();
        return {std::move(slabs), {}, {}};
      case config::Activation::silu:
        break;
    }
    auto input = slabs.flat.clone();
    auto sigmoid = input.sigmoid();
    slabs.flat.mul_(sigmoid);  // one rounding an element: the same wherever it stands
    return {std::move(slabs), std::move(sigmoid), std::move(input)};
  }

  void multiply_by_slope(const Hidden& hidden, Slabs& gradient) const {
    const auto run = [&]<typename Real>(Real) {
      const auto* sigmoid = hidden.sigmoid.defined() ? hidden.sigmoid.data_ptr<Real>() : nullptr;
      const auto* input = hidden.input.defined() ? hidden.input.data_ptr<Real>() : nullptr;
      model::multiply_by_slope(hidden.value.flat.data_ptr<Real>(), sigmoid, input, gradient.flat.numel(), activation_,
                               gradient.flat.data_ptr<Real>());
    };
    gradient.flat.scalar_type() == torch::kFloat64 ? run(double{}) : run(float{});
  }

  /// Logits become the gradient of each lane's loss in them.
  void to_logit_gradient(const Segment& segment, Slabs& logits) const {
    const auto run = [&]<typename Real>(Real) {
      const std::int64_t n = logits.view.size(0), rows = logits.view.size(1), classes = logits.view.size(2);
      const std::int64_t stride = logits.flat.size(1);
      auto exps = torch::zeros_like(logits.flat);
      auto* z = logits.flat.data_ptr<Real>();
      auto* e = exps.data_ptr<Real>();
      for (std::int64_t lane = 0; lane < n; ++lane) {
        for (std::int64_t row = 0; row < rows; ++row) {
          const std::int64_t at = lane * stride + row * classes;
          const Real top = *std::max_element(z + at, z + at + classes);
          for (std::int64_t c = 0; c < classes; ++c) {
            e[at + c] = z[at + c] - top;
          }
        }
      }
      exps.exp_();
      const auto* labels = segment.labels.data_ptr<std::int64_t>();
      for (std::int64_t lane = 0; lane < n; ++lane) {
        loss_gradient(z + lane * stride, e + lane * stride, labels + lane * rows, rows, classes,
                      segment.losses[static_cast<std::size_t>(lane)], z + lane * stride);
      }
    };
    logits.flat.scalar_type() == torch::kFloat64 ? run(double{}) : run(float{});
  }

  std::vector<std::int64_t> widths_;  // inputs, hidden..., classes
  config::Activation activation_;
};

}  // namespace

torch::Tensor activate(const torch::Tensor& x, config::Activation activation) {
  switch (activation) {
    case config::Activation::relu:
      return torch::relu(x);
    case config::Activation::tanh:
      return torch::tanh(x);
    case config::Activation::silu:
      return torch::silu(x);
  }
  return x;
}

std::shared_ptr<const Network> make_folded_mlp(const std::vector<std::int64_t>& hidden, config::Activation activation,
                                               const std::vector<std::int64_t>& input_shape, std::int64_t num_classes) {
  std::vector<std::int64_t> widths{
      std::accumulate(input_shape.begin(), input_shape.end(), std::int64_t{1}, std::multiplies<>())};
  widths.insert(widths.end(), hidden.begin(), hidden.end());
  widths.push_back(num_classes);
  Layout layout;
  for (std::size_t layer = 0; layer + 1 < widths.size(); ++layer) {
    const std::string name = hidden.empty() ? "fc" : "fc" + std::to_string(layer + 1);
    const double bound = 1 / std::sqrt(static_cast<double>(widths[layer]));
    layout.add_parameter(name + ".weight", {widths[layer + 1], widths[layer]}, bound);
    layout.add_parameter(name + ".bias", {widths[layer + 1]}, bound);
  }
  return std::make_shared<FoldedMlp>(std::move(layout), std::move(widths), activation);
}

}  // namespace unroll::model
