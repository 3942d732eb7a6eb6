#pragma once
// Makers of the architectures; one line each in make_network.
#include "unroll/model/network.hpp"

namespace unroll::model {

std::shared_ptr<const Network> make_mlp(const std::vector<std::int64_t>& hidden, config::Activation activation,
                                        const std::vector<std::int64_t>& input_shape, std::int64_t num_classes);
std::shared_ptr<const Network> make_resnet18(config::Activation activation,
                                             const std::vector<std::int64_t>& input_shape, std::int64_t num_classes);
std::shared_ptr<const Network> make_vgg19(config::Activation activation, const std::vector<std::int64_t>& input_shape,
                                          std::int64_t num_classes);

/// tanh, relu or silu of a tensor of any shape (differentiable).
torch::Tensor activate(const torch::Tensor& x, config::Activation activation);

}  // namespace unroll::model
