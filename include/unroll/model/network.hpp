#pragma once
// A network as a function of flat weights. Models of one shape train side by side as lanes: weights [lanes, P].
// A lane's bits never depend on how many lanes a call holds, on its position or on its neighbours (DESIGN 4.8):
// linear and mlp fold their lanes into batched products, the convolutional nets run lane after lane on CPUs.
#include <torch/types.h>

#include <memory>
#include <span>
#include <vector>

#include "unroll/config/settings.hpp"
#include "unroll/model/layout.hpp"
#include "unroll/model/loss.hpp"

namespace unroll::model {

/// Where BatchNorm takes its statistics from. update: the batch, and the running ones are updated (training);
/// batch: the batch, buffers untouched; running: the running ones (evaluation, and model.batchnorm = frozen).
enum class Statistics { update, batch, running };

inline constexpr std::int64_t kLaneStart = 64;

/// [lanes, ...shape], zeros, whose lanes each are contiguous and start on a multiple of kLaneStart elements. All that
/// lanes are computed from lies so: where a matrix starts within a cache line changes the bits of its products
/// (measured: mlp, 15 rows of 11 inputs, float32), and so would be a lane's position.
[[nodiscard]] torch::Tensor lane_slabs(std::int64_t lanes, std::vector<std::int64_t> shape, torch::ScalarType dtype);

/// Lanes whose batches have the same number of rows. Weights, gradients and inputs are lane_slabs, or parts of them.
struct Segment {
  torch::Tensor weights;             // [n, P]
  torch::Tensor buffers;             // [n, S]
  torch::Tensor inputs;              // [n, b, ...shape]
  torch::Tensor labels;              // int64 [n, b]
  std::span<const LossSpec> losses;  // one a lane
};

class Network {
 public:
  virtual ~Network() = default;
  [[nodiscard]] const Layout& layout() const { return layout_; }
  [[nodiscard]] std::int64_t num_classes() const { return num_classes_; }

  /// The gradient of each lane's loss into gradients [n, P].
  virtual void gradients(const Segment& segment, Statistics statistics, torch::Tensor& gradients) const = 0;

  /// Differentiable logits [b, C] of one model; parameters in layout order, inputs [b, ...shape].
  [[nodiscard]] virtual torch::Tensor logits(std::span<const torch::Tensor> parameters, const torch::Tensor& buffers,
                                             const torch::Tensor& inputs, Statistics statistics) const = 0;

  /// Views of a flat [P] vector, one a parameter.
  [[nodiscard]] std::vector<torch::Tensor> views(const torch::Tensor& flat) const;

 protected:
  Network(Layout layout, std::int64_t num_classes) : layout_(std::move(layout)), num_classes_(num_classes) {}

 private:
  Layout layout_;
  std::int64_t num_classes_;
};

/// UsageError when the architecture cannot take such inputs.
[[nodiscard]] std::shared_ptr<const Network> make_network(const config::Settings::Model& model,
                                                          const std::vector<std::int64_t>& input_shape,
                                                          std::int64_t num_classes);

/// The gradient of one model's loss as a new [P] tensor; buffers are updated only with Statistics::update.
[[nodiscard]] torch::Tensor gradient(const Network& network, const State& state, const torch::Tensor& inputs,
                                     const torch::Tensor& labels, const LossSpec& loss, Statistics statistics);

}  // namespace unroll::model
