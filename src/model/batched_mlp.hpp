#pragma once
// Gradients of many linear classifiers or perceptrons by batched products: how GPUs fold lanes. (On a CPU a batched
// product costs 7 us a lane, and the loops of kernel/mlp.hpp take their place.)
#include "unroll/model/network.hpp"

namespace unroll::model {

/// As Network::gradients; segment and gradients [n, P] on one device, of any kind.
void batched_mlp_gradients(const Layout& layout, const kernel::MlpShape& shape, const Segment& segment,
                           torch::Tensor& gradients);

}  // namespace unroll::model
