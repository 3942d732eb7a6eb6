#include "model/channels_last.hpp"

namespace unroll::model {
namespace {

/// out[c][r] = in[r][c]; small enough for the first cache.
void transpose(std::int64_t rows, std::int64_t columns, const float* in, float* out) {
  for (std::int64_t column = 0; column < columns; ++column) {
    for (std::int64_t row = 0; row < rows; ++row) {
      out[column * rows + row] = in[row * columns + column];
    }
  }
}

bool is_float_4d(const torch::Tensor& values) { return values.dim() == 4 && values.scalar_type() == torch::kFloat32; }

}  // namespace

torch::Tensor with_channels_last(const torch::Tensor& values) {
  if (!is_float_4d(values) || !values.is_contiguous()) {
    return values;
  }
  if (!values.is_cpu()) {
    return values.contiguous(at::MemoryFormat::ChannelsLast);
  }
  auto out = torch::empty(values.sizes(), values.options().memory_format(at::MemoryFormat::ChannelsLast));
  const auto channels = values.size(1), places = values.size(2) * values.size(3);
  const auto* from = values.data_ptr<float>();
  auto* to = out.data_ptr<float>();
  for (std::int64_t i = 0; i < values.size(0); ++i, from += channels * places, to += channels * places) {
    transpose(channels, places, from, to);
  }
  return out;
}

void copy_to_contiguous(const torch::Tensor& values, torch::Tensor& out) {
  if (!values.is_cpu() || !is_float_4d(values) || values.is_contiguous() ||
      !values.is_contiguous(at::MemoryFormat::ChannelsLast)) {
    out.copy_(values);
    return;
  }
  const auto channels = values.size(1), places = values.size(2) * values.size(3);
  const auto* from = values.data_ptr<float>();
  auto* to = out.data_ptr<float>();
  for (std::int64_t i = 0; i < values.size(0); ++i, from += channels * places, to += channels * places) {
    transpose(places, channels, from, to);
  }
}

}  // namespace unroll::model
