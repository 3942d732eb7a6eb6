#include <functional>
#include <numeric>
#include <string>

#include "unroll/base/error.hpp"
#include "unroll/plan/plan.hpp"

namespace unroll::plan {
namespace {

/// Adds layers up as an example passes through them.
class Counter {
 public:
  Counter(std::int64_t channels, std::int64_t height, std::int64_t width)
      : channels_(channels), height_(height), width_(width) {}

  void conv(std::int64_t out, std::int64_t kernel, std::int64_t stride, bool bias) {
    height_ = (height_ + stride - 1) / stride;
    width_ = (width_ + stride - 1) / stride;
    const std::int64_t weights = channels_ * out * kernel * kernel;
    size_.num_parameters += weights + (bias ? out : 0);
    size_.forward_mac += static_cast<double>(weights * height_ * width_);
    channels_ = out;
    add_activations();
  }
  void batch_norm() {
    size_.num_parameters += 2 * channels_;
    size_.num_buffers += 2 * channels_;
    add_activations();
  }
  void activation() { add_activations(); }
  void halve() {
    height_ /= 2;
    width_ /= 2;
    add_activations();
  }
  void pool_all() { height_ = width_ = 1; }
  void linear(std::int64_t out) {
    const std::int64_t in = channels_ * height_ * width_;
    size_.num_parameters += in * out + out;
    size_.forward_mac += static_cast<double>(in * out);
    channels_ = out;
    height_ = width_ = 1;
    add_activations();
  }
  /// A 1x1 convolution with BatchNorm beside the main path, which has already come to its output shape.
  void shortcut(std::int64_t in) {
    const std::int64_t weights = in * channels_;
    size_.num_parameters += weights + 2 * channels_;
    size_.num_buffers += 2 * channels_;
    size_.forward_mac += static_cast<double>(weights * height_ * width_);
    add_activations();
    add_activations();
  }
  [[nodiscard]] std::int64_t channels() const { return channels_; }
  [[nodiscard]] ModelSize size() const { return size_; }

 private:
  void add_activations() { size_.activations += static_cast<double>(channels_ * height_ * width_); }

  std::int64_t channels_, height_, width_;
  ModelSize size_;
};

ModelSize resnet18_size(Counter counter, std::int64_t num_classes) {
  counter.conv(64, 3, 1, false);
  counter.batch_norm();
  counter.activation();
  for (const std::int64_t width : {64, 128, 256, 512}) {
    for (int block = 0; block < 2; ++block) {
      const std::int64_t in = counter.channels();
      counter.conv(width, 3, in == width ? 1 : 2, false);
      counter.batch_norm();
      counter.activation();
      counter.conv(width, 3, 1, false);
      counter.batch_norm();
      if (in != width) {
        counter.shortcut(in);
      }
      counter.activation();
    }
  }
  counter.pool_all();
  counter.linear(num_classes);
  return counter.size();
}

ModelSize vgg19_size(Counter counter, std::int64_t num_classes) {
  struct Stage {
    std::int64_t width, num_convs;
  };
  for (const auto [width, num_convs] : {Stage{64, 2}, Stage{128, 2}, Stage{256, 4}, Stage{512, 4}, Stage{512, 4}}) {
    for (std::int64_t i = 0; i < num_convs; ++i) {
      counter.conv(width, 3, 1, true);
      counter.batch_norm();
      counter.activation();
    }
    counter.halve();
  }
  counter.linear(num_classes);
  return counter.size();
}

void require_image(const std::vector<std::int64_t>& shape, std::int64_t smallest, std::int64_t largest) {
  const bool fits =
      shape.size() == 3 && shape[1] >= smallest && shape[1] <= largest && shape[2] >= smallest && shape[2] <= largest;
  if (!fits) {
    throw UsageError("needs images of " + std::to_string(smallest) + " to " + std::to_string(largest) +
                     " pixels a side; use linear or mlp for this data set");
  }
}

}  // namespace

ModelSize model_size(const config::Settings::Model& model, const std::vector<std::int64_t>& input_shape,
                     std::int64_t num_classes) {
  const std::int64_t num_inputs =
      std::accumulate(input_shape.begin(), input_shape.end(), std::int64_t{1}, std::multiplies<>{});
  Counter flat(num_inputs, 1, 1);
  switch (model.arch) {
    case config::Arch::linear:
      break;
    case config::Arch::mlp:
      for (const std::int64_t width : model.hidden) {
        flat.linear(width);
        flat.activation();
      }
      break;
    case config::Arch::resnet18:
      require_image(input_shape, 25, 32);
      return resnet18_size({input_shape[0], input_shape[1], input_shape[2]}, num_classes);
    case config::Arch::vgg19:
      require_image(input_shape, 32, 63);
      return vgg19_size({input_shape[0], input_shape[1], input_shape[2]}, num_classes);
  }
  flat.linear(num_classes);
  return flat.size();
}

}  // namespace unroll::plan
