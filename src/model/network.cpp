#include "unroll/model/network.hpp"

#include "model/architectures.hpp"

namespace unroll::model {

torch::Tensor lane_slabs(std::int64_t lanes, std::vector<std::int64_t> shape, torch::TensorOptions options) {
  std::vector<std::int64_t> strides(shape.size() + 1, 1);  // the lane's, then one a dimension
  for (std::size_t i = shape.size(); i-- > 0;) {
    strides[i] = strides[i + 1] * shape[i];
  }
  strides[0] = (strides[0] + kLaneStart - 1) / kLaneStart * kLaneStart;
  shape.insert(shape.begin(), lanes);
  return torch::zeros({lanes, strides[0]}, options).as_strided(shape, strides);
}

std::vector<torch::Tensor> Network::views(const torch::Tensor& flat) const {
  std::vector<torch::Tensor> views;
  views.reserve(layout_.parameters.size());
  for (const auto& spec : layout_.parameters) {
    views.push_back(flat.narrow(0, spec.offset, spec.size).view(spec.shape));
  }
  return views;
}

std::shared_ptr<const Network> make_network(const config::Settings::Model& model,
                                            const std::vector<std::int64_t>& input_shape, std::int64_t num_classes) {
  switch (model.arch) {
    case config::Arch::linear:
      return make_mlp({}, model.activation, input_shape, num_classes);
    case config::Arch::mlp:
      return make_mlp(model.hidden, model.activation, input_shape, num_classes);
    case config::Arch::resnet18:
      return make_resnet18(model.activation, input_shape, num_classes);
    case config::Arch::vgg19:
      return make_vgg19(model.activation, input_shape, num_classes);
  }
  return nullptr;
}

torch::Tensor gradient(const Network& network, const State& state, const torch::Tensor& inputs,
                       const torch::Tensor& labels, const LossSpec& loss, Statistics statistics) {
  auto gradients = lane_slabs(1, {network.layout().num_parameters}, state.weights.options());
  const Segment segment{state.weights.unsqueeze(0), state.buffers.unsqueeze(0), inputs.unsqueeze(0),
                        labels.unsqueeze(0), std::span(&loss, 1)};
  if (inputs.is_cpu()) {
    network.gradients(segment, statistics, gradients);
  } else {
    network.folded_gradients(segment, statistics, gradients);
  }
  return gradients.squeeze(0);
}

}  // namespace unroll::model
