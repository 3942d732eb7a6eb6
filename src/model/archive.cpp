#include "unroll/model/archive.hpp"

#include "unroll/base/error.hpp"

namespace unroll {
namespace {

/// A type's number in archives.
constexpr std::int8_t kUndefined = 0, kFloat32 = 1, kFloat64 = 2;

std::int8_t type_of(const torch::Tensor& tensor) {
  if (!tensor.defined()) {
    return kUndefined;
  }
  if (tensor.scalar_type() != torch::kFloat32 && tensor.scalar_type() != torch::kFloat64) {
    throw Error("only tensors of float32 and float64 are saved");
  }
  return tensor.scalar_type() == torch::kFloat64 ? kFloat64 : kFloat32;
}

}  // namespace

void transfer(Archive& archive, torch::Tensor& tensor) {
  std::int8_t type = archive.is_loading() ? kUndefined : type_of(tensor);
  archive(type);
  if (type == kUndefined) {
    tensor = torch::Tensor();
    return;
  }
  std::vector<std::int64_t> shape;
  if (!archive.is_loading()) {
    shape = tensor.sizes().vec();
  }
  archive(shape);
  if (!archive.is_loading()) {
    auto values = tensor.cpu().contiguous();
    archive.raw(values.data_ptr(), values.nbytes());
    return;
  }
  std::size_t count = 1;
  for (const auto size : shape) {
    if (size < 0 || (size > 0 && count > (std::size_t{1} << 48) / static_cast<std::size_t>(size))) {
      throw Error("a saved tensor has a size that cannot be");
    }
    count *= static_cast<std::size_t>(size);
  }
  archive.require(count * (type == kFloat64 ? sizeof(double) : sizeof(float)));
  tensor = torch::empty(shape, type == kFloat64 ? torch::kFloat64 : torch::kFloat32);
  archive.raw(tensor.data_ptr(), tensor.nbytes());
}

void transfer_in_place(Archive& archive, torch::Tensor tensor) {
  torch::Tensor values = tensor;
  transfer(archive, values);
  if (!archive.is_loading()) {
    return;
  }
  if (type_of(values) != type_of(tensor) || (values.defined() && values.sizes() != tensor.sizes())) {
    throw Error("a saved tensor does not fit the model");
  }
  if (tensor.defined()) {
    tensor.copy_(values);
  }
}

}  // namespace unroll
