#pragma once
// Images and filters with their channels last: the layout that the float32 convolutions on CPUs read and write without
// reordering (measured: README.md). Weights keep the layout of a state_dict, so filters cross at every step.
#include <torch/types.h>

namespace unroll::model {

/// A float32 image batch or filter bank [., ., height, width] with channels last; anything else as it is.
[[nodiscard]] torch::Tensor with_channels_last(const torch::Tensor& values);

/// out = values; out is contiguous.
void copy_to_contiguous(const torch::Tensor& values, torch::Tensor& out);

}  // namespace unroll::model
