// linear (no hidden layer) and mlp: the layers of kernel/mlp.hpp under PyTorch's names.
#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "model/architectures.hpp"
#include "model/batched_mlp.hpp"

namespace unroll::model {
namespace {

class MlpNetwork final : public Network {
 public:
  MlpNetwork(Layout layout, kernel::MlpShape shape)
      : Network(std::move(layout), shape.widths.back()), shape_(std::move(shape)) {}

  void gradients(const Segment& segment, Statistics, torch::Tensor& gradients) const override {
    segment.weights.scalar_type() == torch::kFloat64 ? by_kernel<double>(segment, gradients)
                                                     : by_kernel<float>(segment, gradients);
  }

  void folded_gradients(const Segment& segment, Statistics, torch::Tensor& gradients) const override {
    batched_mlp_gradients(layout(), shape_, segment, gradients);
  }

  torch::Tensor logits(std::span<const torch::Tensor> parameters, const torch::Tensor&, const torch::Tensor& inputs,
                       Statistics) const override {
    auto x = inputs.reshape({inputs.size(0), shape_.widths.front()});
    for (std::size_t layer = 0; layer + 1 < shape_.widths.size(); ++layer) {
      x = torch::addmm(parameters[2 * layer + 1], x, parameters[2 * layer].t());
      if (layer + 2 < shape_.widths.size()) {
        x = activate(x, shape_.activation);
      }
    }
    return x;
  }

  [[nodiscard]] std::optional<kernel::MlpShape> mlp_shape() const override { return shape_; }

 private:
  template <typename Real>
  void by_kernel(const Segment& segment, torch::Tensor& gradients) const {
    kernel::Mlp<Real> mlp(shape_);
    const auto labels = segment.labels.contiguous();
    for (std::int64_t lane = 0; lane < segment.weights.size(0); ++lane) {
      const auto rows = row_pointers<Real>(segment.inputs[lane]);
      mlp.gradient(segment.weights[lane].data_ptr<Real>(),
                   {rows.data(), labels[lane].data_ptr<std::int64_t>(), segment.inputs.size(1)},
                   segment.losses[static_cast<std::size_t>(lane)], gradients[lane].data_ptr<Real>());
    }
  }

  kernel::MlpShape shape_;
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

std::shared_ptr<const Network> make_mlp(const std::vector<std::int64_t>& hidden, config::Activation activation,
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
  return std::make_shared<MlpNetwork>(std::move(layout), kernel::MlpShape{std::move(widths), activation});
}

}  // namespace unroll::model
