#pragma once
// Distances between all models of a group, through the gather: in one process, or with the models as rows on many
// ranks; the same bits either way (gather/gather.hpp).
#include <cstdint>
#include <vector>

#include "unroll/gather/gather.hpp"
#include "unroll/hdf5/arrays.hpp"
#include "unroll/model/layout.hpp"

namespace unroll::execute {

/// A model's trainable parameters; float32 widened, which is exact, because M'' is kept in double.
using WideWeights = std::vector<double>;

/// The flat weights of a file [P]. Error when they are not as many as the layout's.
[[nodiscard]] WideWeights weights_of(const hdf5::Array& array, const model::Layout& layout);

/// Scales every filter (an output channel of a convolution, which BatchNorm makes free in scale) to the norm that it
/// has in `reference`; one of norm 0 stays as it is.
void scale_filters(const model::Layout& layout, const WideWeights& reference, WideWeights& weights);

/// The rows that this rank holds.
struct GroupRow {
  std::int64_t model = 0;
  WideWeights weights;
};

/// As collective as the gatherer is. (0,1), (0,2), ..., (1,2), ...; empty but on rank 0. Pairs with model 0, the M'',
/// are measured directly, the others through products.
[[nodiscard]] std::vector<double> group_distances(gather::Gatherer& gatherer, const model::Layout& layout,
                                                  std::int64_t num_models, const std::vector<GroupRow>& rows);

}  // namespace unroll::execute
