#include "execute/group_distances.hpp"

#include <cmath>
#include <cstring>

#include "unroll/base/error.hpp"
#include "unroll/metrics/distances.hpp"

namespace unroll::execute {
namespace {

/// Both [P] double.
double distance(const model::Layout& layout, const torch::Tensor& a, const torch::Tensor& b) {
  double squared = 0;
  for (const auto& spec : layout.parameters) {
    squared += metrics::squared_distance(a.narrow(0, spec.offset, spec.size), b.narrow(0, spec.offset, spec.size));
  }
  return std::sqrt(squared);
}

constexpr std::size_t kConvolutionDims = 4;

torch::Tensor scaled_like(const model::Layout& layout, const torch::Tensor& weights, const torch::Tensor& reference) {
  auto scaled = weights.to(torch::kFloat64, /*non_blocking=*/false, /*copy=*/true);
  for (const auto& spec : layout.parameters) {
    if (spec.shape.size() != kConvolutionDims) {
      continue;
    }
    const auto size = spec.size / spec.shape[0];
    for (std::int64_t filter = 0; filter < spec.shape[0]; ++filter) {
      auto values = scaled.narrow(0, spec.offset + filter * size, size);
      const double norm = std::sqrt(metrics::squared_norm(values));
      const double wanted = std::sqrt(metrics::squared_norm(reference.narrow(0, spec.offset + filter * size, size)));
      if (norm > 0 && norm != wanted) {
        values.mul_(wanted / norm);
      }
    }
  }
  return scaled;
}

}  // namespace

torch::Tensor weights_of(const hdf5::Array& array, const model::Layout& layout) {
  const bool is_double = array.type == hdf5::ElementType::float64;
  if ((!is_double && array.type != hdf5::ElementType::float32) ||
      array.shape != std::vector<std::int64_t>{layout.num_parameters}) {
    throw Error("kept weights " + array.name + " are not of the model's shape");
  }
  auto weights = torch::empty({layout.num_parameters}, is_double ? torch::kFloat64 : torch::kFloat32);
  std::memcpy(weights.data_ptr(), array.bytes.data(), array.bytes.size());
  return weights;
}

std::vector<double> group_distances(const model::Layout& layout, const std::vector<torch::Tensor>& models) {
  std::vector<double> distances;
  for (std::size_t a = 0; a < models.size(); ++a) {
    const auto first = models[a].to(torch::kFloat64);
    for (std::size_t b = a + 1; b < models.size(); ++b) {
      distances.push_back(distance(layout, first, models[b].to(torch::kFloat64)));
    }
  }
  return distances;
}

std::vector<double> normalised_distances(const model::Layout& layout, const std::vector<torch::Tensor>& models,
                                         std::size_t reference) {
  const auto like = models[reference].to(torch::kFloat64);
  std::vector<double> distances;
  for (std::size_t a = 0; a < models.size(); ++a) {
    const auto first = scaled_like(layout, models[a], like);
    for (std::size_t b = a + 1; b < models.size(); ++b) {
      distances.push_back(distance(layout, first, scaled_like(layout, models[b], like)));
    }
  }
  return distances;
}

}  // namespace unroll::execute
