#pragma once
// Distances between all models of a group, in one process: double, over fixed blocks of each tensor (DESIGN 4.8), each
// pair directly.
#include <vector>

#include "unroll/hdf5/arrays.hpp"
#include "unroll/model/layout.hpp"

namespace unroll::execute {

/// The flat weights of a file [P]. Error when they are not as many as the layout's.
[[nodiscard]] torch::Tensor weights_of(const hdf5::Array& array, const model::Layout& layout);

/// (0,1), (0,2), ..., (1,2), ...; models [P] each, float32 or float64.
[[nodiscard]] std::vector<double> group_distances(const model::Layout& layout,
                                                  const std::vector<torch::Tensor>& models);

/// The same after every filter (an output channel of a convolution, which BatchNorm makes free in scale) was scaled to
/// the norm that it has in the model `reference`; one of norm 0 stays as it is.
[[nodiscard]] std::vector<double> normalised_distances(const model::Layout& layout,
                                                       const std::vector<torch::Tensor>& models, std::size_t reference);

}  // namespace unroll::execute
