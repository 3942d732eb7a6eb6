#include "execute/group_distances.hpp"

#include <cmath>
#include <cstring>
#include <span>

#include "unroll/base/block_sum.hpp"
#include "unroll/base/error.hpp"

namespace unroll::execute {
namespace {

constexpr std::size_t kConvolutionDims = 4;

double norm(std::span<const double> values) {
  const auto sums = block_sum<1>(
      std::ssize(values), [&](std::int64_t i, std::int64_t n, Ways * sum) __attribute__((always_inline)) {
        Ways part;
        load_ways(values.data() + i, n, part);
        sum[0] += part * part;
      });
  return std::sqrt(sums[0]);
}

template <typename Real>
WideWeights widened(const std::vector<std::byte>& bytes) {
  std::vector<Real> values(bytes.size() / sizeof(Real));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return {values.begin(), values.end()};
}

}  // namespace

WideWeights weights_of(const hdf5::Array& array, const model::Layout& layout) {
  const bool is_double = array.type == hdf5::ElementType::float64;
  if ((!is_double && array.type != hdf5::ElementType::float32) ||
      array.shape != std::vector<std::int64_t>{layout.num_parameters}) {
    throw Error("kept weights " + array.name + " are not of the model's shape");
  }
  return is_double ? widened<double>(array.bytes) : widened<float>(array.bytes);
}

void scale_filters(const model::Layout& layout, const WideWeights& reference, WideWeights& weights) {
  for (const auto& spec : layout.parameters) {
    if (spec.shape.size() != kConvolutionDims) {
      continue;
    }
    const auto size = static_cast<std::size_t>(spec.size / spec.shape[0]);
    const auto end = static_cast<std::size_t>(spec.offset + spec.size);
    for (auto at = static_cast<std::size_t>(spec.offset); at < end; at += size) {
      const double own = norm(std::span(weights).subspan(at, size));
      const double wanted = norm(std::span(reference).subspan(at, size));
      if (own > 0 && own != wanted) {
        for (double& value : std::span(weights).subspan(at, size)) {
          value *= wanted / own;
        }
      }
    }
  }
}

std::vector<double> group_distances(gather::Gatherer& gatherer, const model::Layout& layout, std::int64_t num_models,
                                    const std::vector<GroupRow>& rows) {
  gather::Request request;
  request.num_models = num_models;
  request.element = gather::Element::float64;
  for (const auto& spec : layout.parameters) {
    request.tensor_sizes.push_back(spec.size);
  }
  for (std::int64_t other = 1; other < num_models; ++other) {
    request.direct.push_back({0, other});
  }
  std::vector<gather::Row> views;
  for (const auto& row : rows) {
    views.push_back({row.model, std::span<const double>(row.weights)});
  }
  const auto found = gatherer.distances(request, views);
  std::vector<double> distances = found.all.squared;
  std::copy(found.direct.squared.begin(), found.direct.squared.end(), distances.begin());  // pairs with 0 come first
  for (double& distance : distances) {
    distance = std::sqrt(distance);
  }
  return distances;
}

}  // namespace unroll::execute
