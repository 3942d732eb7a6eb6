// resnet18 and vgg19 in the paper's CIFAR forms (METHODS 1.1). GPUs fold lanes into channels. On CPUs lanes run one
// after another through the same kernels and shapes as a single model (folding gains nothing there, and grouped 1x1 and
// first convolutions would change a lane's bits with the count: DESIGN 4.8), so a lane's bits are its own by
// construction.
#include <ATen/ops/avg_pool2d.h>
#include <ATen/ops/baddbmm.h>
#include <ATen/ops/batch_norm.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/max_pool2d.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <functional>
#include <optional>

#include "model/architectures.hpp"
#include "model/channels_last.hpp"
#include "unroll/base/error.hpp"

namespace unroll::model {
namespace {

/// Hands out a network's parameters and buffers in layout order while the forward pass is written down. Of several
/// lanes, parameters are [lanes, ...] and buffers [lanes * channels]; images are [rows, lanes * channels, height,
/// width], and a convolution has a group a lane.
class Reader {
 public:
  Reader(std::span<const torch::Tensor> parameters, std::vector<torch::Tensor> buffers, Statistics statistics,
         std::optional<std::int64_t> lanes = {})
      : parameters_(parameters), buffers_(std::move(buffers)), statistics_(statistics), lanes_(lanes) {}

  torch::Tensor conv(const torch::Tensor& x, bool has_bias, std::int64_t stride, std::int64_t padding) {
    const auto weight = joined();
    const auto bias = has_bias ? joined() : torch::Tensor{};
    return at::conv2d(x, weight, bias, stride, padding, 1, lanes_.value_or(1));
  }

  torch::Tensor batch_norm(const torch::Tensor& x) {
    const auto weight = joined();
    const auto bias = joined();
    const auto mean = buffers_[buffer_++];
    const auto variance = buffers_[buffer_++];
    const bool from_batch = statistics_ != Statistics::running;
    const bool untouched = statistics_ == Statistics::batch;
    return at::batch_norm(x, weight, bias, untouched ? torch::Tensor{} : mean, untouched ? torch::Tensor{} : variance,
                          from_batch, 0.1, 1e-5, false);
  }

  /// Of features [rows, width], or [rows, lanes * width] to [lanes, rows, C].
  torch::Tensor linear(const torch::Tensor& x) {
    const auto& weight = next();
    const auto& bias = next();
    return lanes_ ? at::baddbmm(bias.unsqueeze(1), x.unflatten(1, {*lanes_, -1}).transpose(0, 1), weight.mT())
                  : torch::addmm(bias, x, weight.t());
  }

 private:
  const torch::Tensor& next() { return parameters_[parameter_++]; }
  torch::Tensor joined() { return lanes_ ? next().flatten(0, 1) : next(); }

  std::span<const torch::Tensor> parameters_;
  std::vector<torch::Tensor> buffers_;
  Statistics statistics_;
  std::optional<std::int64_t> lanes_;
  std::size_t parameter_ = 0;
  std::size_t buffer_ = 0;
};

using Forward = std::function<torch::Tensor(Reader&, torch::Tensor)>;

class ConvNetwork final : public Network {
 public:
  ConvNetwork(Layout layout, std::int64_t num_classes, Forward forward)
      : Network(std::move(layout), num_classes), forward_(std::move(forward)) {}

  void gradients(const Segment& segment, Statistics statistics, torch::Tensor& gradients) const override {
    for (std::int64_t lane = 0; lane < segment.weights.size(0); ++lane) {
      auto parameters = views(segment.weights[lane]);
      for (auto& parameter : parameters) {
        parameter = with_channels_last(parameter.detach()).requires_grad_();
      }
      const auto z = logits(parameters, segment.buffers[lane], with_channels_last(segment.inputs[lane]), statistics);
      const auto value = loss(z, segment.labels[lane], segment.losses[static_cast<std::size_t>(lane)]);
      const auto parts = torch::autograd::grad({value}, parameters);
      const torch::NoGradGuard no_grad;
      auto out = views(gradients[lane].narrow(0, 0, layout().num_parameters));
      for (std::size_t i = 0; i < parts.size(); ++i) {
        copy_to_contiguous(parts[i], out[i]);
      }
    }
  }

  void folded_gradients(const Segment& segment, Statistics statistics, torch::Tensor& gradients) const override {
    const auto lanes = segment.weights.size(0);
    std::vector<torch::Tensor> parameters, buffers;
    for (const auto& spec : layout().parameters) {
      auto values = segment.weights.narrow(1, spec.offset, spec.size).detach().contiguous();
      std::vector<std::int64_t> shape{lanes};
      shape.insert(shape.end(), spec.shape.begin(), spec.shape.end());
      parameters.push_back(values.view(shape).requires_grad_());
    }
    for (const auto& spec : layout().buffers) {
      buffers.push_back(segment.buffers.narrow(1, spec.offset, spec.size).flatten().clone());
    }
    Reader reader(parameters, buffers, statistics, lanes);
    const auto images = segment.inputs.transpose(0, 1).flatten(1, 2).contiguous(at::MemoryFormat::ChannelsLast);
    const auto z = forward_(reader, images);
    auto sum = torch::zeros({}, z.options());
    for (std::int64_t lane = 0; lane < lanes; ++lane) {
      sum = sum + loss(z[lane], segment.labels[lane], segment.losses[static_cast<std::size_t>(lane)]);
    }
    const auto parts = torch::autograd::grad({sum}, parameters);
    const torch::NoGradGuard no_grad;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const auto& spec = layout().parameters[i];
      gradients.narrow(1, spec.offset, spec.size).copy_(parts[i].flatten(1));
    }
    for (std::size_t i = 0; i < buffers.size() && statistics == Statistics::update; ++i) {
      const auto& spec = layout().buffers[i];
      auto kept = segment.buffers.narrow(1, spec.offset, spec.size);
      kept.copy_(buffers[i].view({lanes, spec.size}));
    }
  }

  torch::Tensor logits(std::span<const torch::Tensor> parameters, const torch::Tensor& buffers,
                       const torch::Tensor& inputs, Statistics statistics) const override {
    std::vector<torch::Tensor> parts;
    for (const auto& spec : layout().buffers) {
      parts.push_back(buffers.narrow(0, spec.offset, spec.size));
    }
    Reader reader(parameters, std::move(parts), statistics);
    return forward_(reader, inputs);
  }

 private:
  Forward forward_;
};

/// Builds the layout in the order in which Reader hands parameters out.
struct Builder {
  Layout layout;

  void conv(const std::string& name, std::int64_t in, std::int64_t out, std::int64_t kernel, bool has_bias) {
    const double bound = 1 / std::sqrt(static_cast<double>(in * kernel * kernel));
    layout.add_parameter(name + ".weight", {out, in, kernel, kernel}, bound);
    if (has_bias) {
      layout.add_parameter(name + ".bias", {out}, bound);
    }
  }
  void batch_norm(const std::string& name, std::int64_t channels) {
    layout.add_parameter(name + ".weight", {channels}, 0, 1);
    layout.add_parameter(name + ".bias", {channels}, 0, 0);
    layout.add_buffer(name + ".running_mean", {channels}, 0);
    layout.add_buffer(name + ".running_var", {channels}, 1);
  }
  void linear(const std::string& name, std::int64_t in, std::int64_t out) {
    const double bound = 1 / std::sqrt(static_cast<double>(in));
    layout.add_parameter(name + ".weight", {out, in}, bound);
    layout.add_parameter(name + ".bias", {out}, bound);
  }
};

void require_image(const char* arch, const std::vector<std::int64_t>& shape, std::int64_t smallest,
                   std::int64_t largest) {
  const bool fits =
      shape.size() == 3 && shape[1] >= smallest && shape[1] <= largest && shape[2] >= smallest && shape[2] <= largest;
  if (!fits) {
    throw UsageError(std::string("model.arch = ") + arch + ": needs images of " + std::to_string(smallest) + " to " +
                     std::to_string(largest) + " pixels a side; use linear or mlp for this data set");
  }
}

struct Block {
  std::int64_t in, out, stride;
  [[nodiscard]] bool has_shortcut() const { return stride != 1 || in != out; }
};

std::vector<std::vector<Block>> resnet18_stages() {
  std::vector<std::vector<Block>> stages;
  std::int64_t in = 64;
  for (const std::int64_t out : {64, 128, 256, 512}) {
    stages.push_back({{in, out, out == 64 ? 1 : 2}, {out, out, 1}});
    in = out;
  }
  return stages;
}

}  // namespace

std::shared_ptr<const Network> make_resnet18(config::Activation activation,
                                             const std::vector<std::int64_t>& input_shape, std::int64_t num_classes) {
  require_image("resnet18", input_shape, 25, 32);  // four halvings leave the 4 x 4 that is pooled
  Builder builder;
  builder.conv("conv1", input_shape[0], 64, 3, false);
  builder.batch_norm("bn1", 64);
  const auto stages = resnet18_stages();
  for (std::size_t stage = 0; stage < stages.size(); ++stage) {
    for (std::size_t i = 0; i < stages[stage].size(); ++i) {
      const auto& block = stages[stage][i];
      const std::string name = "layer" + std::to_string(stage + 1) + "." + std::to_string(i);
      builder.conv(name + ".conv1", block.in, block.out, 3, false);
      builder.batch_norm(name + ".bn1", block.out);
      builder.conv(name + ".conv2", block.out, block.out, 3, false);
      builder.batch_norm(name + ".bn2", block.out);
      if (block.has_shortcut()) {
        builder.conv(name + ".shortcut.0", block.in, block.out, 1, false);
        builder.batch_norm(name + ".shortcut.1", block.out);
      }
    }
  }
  builder.linear("linear", 512, num_classes);

  const auto forward = [activation, stages](Reader& reader, torch::Tensor x) {
    x = activate(reader.batch_norm(reader.conv(x, false, 1, 1)), activation);
    for (const auto& stage : stages) {
      for (const auto& block : stage) {
        auto out = activate(reader.batch_norm(reader.conv(x, false, block.stride, 1)), activation);
        out = reader.batch_norm(reader.conv(out, false, 1, 1));
        const auto shortcut = block.has_shortcut() ? reader.batch_norm(reader.conv(x, false, block.stride, 0)) : x;
        x = activate(out + shortcut, activation);
      }
    }
    return reader.linear(at::avg_pool2d(x, 4).flatten(1));
  };
  return std::make_shared<ConvNetwork>(std::move(builder.layout), num_classes, forward);
}

std::shared_ptr<const Network> make_vgg19(config::Activation activation, const std::vector<std::int64_t>& input_shape,
                                          std::int64_t num_classes) {
  require_image("vgg19", input_shape, 32, 63);  // five halvings leave one pixel
  constexpr std::int64_t kPool = 0;
  const std::vector<std::int64_t> widths{64,  64,  kPool, 128, 128,   kPool, 256, 256, 256, 256,  kPool,
                                         512, 512, 512,   512, kPool, 512,   512, 512, 512, kPool};
  Builder builder;
  std::int64_t in = input_shape[0];
  int index = 0;  // of the module in PyTorch's nn.Sequential: conv, bn, relu a width, one a pool
  for (const std::int64_t width : widths) {
    if (width == kPool) {
      ++index;
      continue;
    }
    builder.conv("features." + std::to_string(index), in, width, 3, true);
    builder.batch_norm("features." + std::to_string(index + 1), width);
    index += 3;
    in = width;
  }
  builder.linear("classifier", 512, num_classes);

  const auto forward = [activation, widths](Reader& reader, torch::Tensor x) {
    for (const std::int64_t width : widths) {
      x = width == kPool ? at::max_pool2d(x, 2, 2)
                         : activate(reader.batch_norm(reader.conv(x, true, 1, 1)), activation);
    }
    return reader.linear(x.flatten(1));
  };
  return std::make_shared<ConvNetwork>(std::move(builder.layout), num_classes, forward);
}

}  // namespace unroll::model
