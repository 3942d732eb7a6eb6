#pragma once
// Tensors and states in an archive (base/archive.hpp): type, shape and values in host memory; an undefined tensor
// comes back undefined.
#include <torch/types.h>

#include "unroll/base/archive.hpp"
#include "unroll/model/layout.hpp"

namespace unroll {

/// Loading gives a new tensor in host memory.
void transfer(Archive& archive, torch::Tensor& tensor);

/// Loading writes into the tensor, which keeps its place and device; Error when type or shape differ.
void transfer_in_place(Archive& archive, torch::Tensor tensor);

namespace model {

inline void transfer(Archive& archive, State& state) { archive(state.weights, state.buffers); }

}  // namespace model
}  // namespace unroll
