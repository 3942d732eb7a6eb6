#include "unroll/model/layout.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <numeric>

#include "unroll/base/error.hpp"
#include "unroll/base/random.hpp"

namespace unroll::model {
namespace {

ParameterSpec make_spec(std::string name, std::vector<std::int64_t> shape, std::int64_t offset) {
  ParameterSpec spec;
  spec.name = std::move(name);
  spec.size = std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
  spec.shape = std::move(shape);
  spec.offset = offset;
  return spec;
}

std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    text += (i ? ", " : "") + std::to_string(shape[i]);
  }
  return text + "]";
}

hdf5::Array to_array(const ParameterSpec& spec, const torch::Tensor& flat, const std::string& prefix) {
  hdf5::Array array;
  array.name = prefix + spec.name;
  array.type = flat.scalar_type() == torch::kFloat64 ? hdf5::ElementType::float64 : hdf5::ElementType::float32;
  array.shape = spec.shape;
  array.bytes.resize(static_cast<std::size_t>(spec.size) * flat.element_size());
  const auto* source =
      static_cast<const std::byte*>(flat.data_ptr()) + static_cast<std::size_t>(spec.offset) * flat.element_size();
  std::memcpy(array.bytes.data(), source, array.bytes.size());
  return array;
}

/// Copies the array into its place; false if the file has none of that name.
bool from_array(const ParameterSpec& spec, const hdf5::ArrayFile& file, const torch::Tensor& flat,
                const std::string& file_name, const std::string& prefix, Values values) {
  const auto found = std::find_if(file.arrays.begin(), file.arrays.end(),
                                  [&](const auto& array) { return array.name == prefix + spec.name; });
  if (found == file.arrays.end()) {
    return false;
  }
  const bool is_double = found->type == hdf5::ElementType::float64;
  if (!is_double && found->type != hdf5::ElementType::float32) {
    throw UsageError(file_name + ": dataset " + found->name + " must be float32 or float64");
  }
  if (found->shape != spec.shape) {
    throw UsageError(file_name + ": dataset " + found->name + " has shape " + shape_text(found->shape) +
                     ", the model needs " + shape_text(spec.shape));
  }
  auto source = torch::empty({spec.size}, is_double ? torch::kFloat64 : torch::kFloat32);
  std::memcpy(source.data_ptr(), found->bytes.data(), found->bytes.size());
  if (values == Values::finite && !torch::isfinite(source).all().item<bool>()) {
    throw UsageError(file_name + ": dataset " + found->name + " holds values that are not finite");
  }
  flat.narrow(0, spec.offset, spec.size).copy_(source);
  return true;
}

torch::Tensor constant_buffers(const Layout& layout, torch::ScalarType dtype) {
  auto buffers = torch::zeros({layout.num_buffers}, dtype);
  for (const auto& spec : layout.buffers) {
    buffers.narrow(0, spec.offset, spec.size).fill_(spec.constant);
  }
  return buffers;
}

}  // namespace

void Layout::add_parameter(std::string name, std::vector<std::int64_t> shape, double bound, double constant) {
  auto spec = make_spec(std::move(name), std::move(shape), num_parameters);
  spec.bound = bound;
  spec.constant = constant;
  num_parameters += spec.size;
  parameters.push_back(std::move(spec));
}

void Layout::add_buffer(std::string name, std::vector<std::int64_t> shape, double constant) {
  auto spec = make_spec(std::move(name), std::move(shape), num_buffers);
  spec.constant = constant;
  num_buffers += spec.size;
  buffers.push_back(std::move(spec));
}

State initial_state(const Layout& layout, std::uint64_t seed, torch::ScalarType dtype) {
  const RandomStream stream(seed, "init");
  auto weights = torch::empty({layout.num_parameters}, torch::kFloat64);
  double* out = weights.data_ptr<double>();
  for (std::size_t p = 0; p < layout.parameters.size(); ++p) {
    const auto& spec = layout.parameters[p];
    for (std::int64_t i = 0; i < spec.size; ++i) {
      out[spec.offset + i] =
          spec.bound > 0 ? spec.bound * (2 * stream.uniform(p, static_cast<std::uint64_t>(i)) - 1) : spec.constant;
    }
  }
  return {weights.to(dtype), constant_buffers(layout, dtype)};
}

std::vector<hdf5::Array> to_arrays(const Layout& layout, const torch::Tensor& weights, const torch::Tensor& buffers,
                                   const std::string& prefix) {
  std::vector<hdf5::Array> arrays;
  const auto host_weights = weights.cpu(), host_buffers = buffers.cpu();
  for (const auto& spec : layout.parameters) {
    arrays.push_back(to_array(spec, host_weights, prefix));
  }
  for (const auto& spec : layout.buffers) {
    arrays.push_back(to_array(spec, host_buffers, prefix));
  }
  return arrays;
}

LoadedState from_arrays(const Layout& layout, const hdf5::ArrayFile& file, torch::ScalarType dtype,
                        const std::string& file_name, const std::string& prefix, Values values) {
  LoadedState loaded{{torch::empty({layout.num_parameters}, dtype), constant_buffers(layout, dtype)}, true};
  for (const auto& spec : layout.parameters) {
    if (!from_array(spec, file, loaded.state.weights, file_name, prefix, values)) {
      throw UsageError(file_name + ": has no dataset " + prefix + spec.name + " of shape " + shape_text(spec.shape) +
                       "; name the datasets as in a PyTorch state_dict");
    }
  }
  for (const auto& spec : layout.buffers) {
    loaded.has_buffers = from_array(spec, file, loaded.state.buffers, file_name, prefix, values) && loaded.has_buffers;
  }
  return loaded;
}

}  // namespace unroll::model
