#pragma once
// A network as a function of flat weights. Models of one shape train side by side as lanes: weights [lanes, P].
// A lane's bits never depend on how many lanes a call holds, on its position or on its neighbours (DESIGN 4.8):
// on a CPU lanes run one after another, linear and mlp through hand-written loops (kernel/mlp.hpp), the convolutional
// nets through LibTorch. A GPU folds them: one batched product, one convolution with a group a lane.
#include <torch/types.h>

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "unroll/config/settings.hpp"
#include "unroll/model/layout.hpp"
#include "unroll/model/loss.hpp"

namespace unroll::model {

/// Where BatchNorm takes its statistics from. update: the batch, and the running ones are updated (training);
/// batch: the batch, buffers untouched; running: the running ones (evaluation, and model.batchnorm = frozen).
enum class Statistics { update, batch, running };

/// model.batchnorm along M's clock.
struct BatchNormUse {
  config::BatchNormMode mode = config::BatchNormMode::train;
  std::int64_t steps = 0;  // eval_after: in the steps below this one batches are used and update the statistics

  BatchNormUse(config::BatchNormMode of_mode) : mode(of_mode) {}  // NOLINT: a mode says all but for eval_after
  BatchNormUse(const config::Settings::Model& model)              // NOLINT
      : mode(model.batchnorm), steps(model.batchnorm_steps) {}

  [[nodiscard]] bool uses_batch(std::int64_t step) const {
    return mode == config::BatchNormMode::train || (mode == config::BatchNormMode::eval_after && step < steps);
  }
  /// How step `step` trains, and how gradients are taken that shall leave the statistics alone.
  [[nodiscard]] Statistics training(std::int64_t step) const {
    return uses_batch(step) ? Statistics::update : Statistics::running;
  }
  [[nodiscard]] Statistics gradient(std::int64_t step) const {
    return uses_batch(step) ? Statistics::batch : Statistics::running;
  }
};

inline constexpr std::int64_t kLaneStart = 64;

/// [lanes, ...shape], zeros, whose lanes each are contiguous and start on a multiple of kLaneStart elements: lanes
/// share no cache line. (Where a matrix starts within one changes the bits of LibTorch's products: measured, 15 rows
/// of 11.)
[[nodiscard]] torch::Tensor lane_slabs(std::int64_t lanes, std::vector<std::int64_t> shape,
                                       torch::TensorOptions options);

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
  /// The same with all lanes in each of LibTorch's operations, on any device: what fills a GPU. On a CPU its bits may
  /// depend on the number of lanes.
  virtual void folded_gradients(const Segment& segment, Statistics statistics, torch::Tensor& gradients) const = 0;

  /// Differentiable logits [b, C] of one model; parameters in layout order, inputs [b, ...shape].
  [[nodiscard]] virtual torch::Tensor logits(std::span<const torch::Tensor> parameters, const torch::Tensor& buffers,
                                             const torch::Tensor& inputs, Statistics statistics) const = 0;

  /// linear and mlp: their shape. Others: nullopt.
  [[nodiscard]] virtual std::optional<kernel::MlpShape> mlp_shape() const { return std::nullopt; }
  /// The shape where the loops of kernel/mlp.hpp compute the network on this device: linear and mlp on a CPU.
  [[nodiscard]] std::optional<kernel::MlpShape> loop_shape(torch::Device device) const {
    return device.is_cpu() ? mlp_shape() : std::nullopt;
  }

  /// Views of a flat [P] vector, one a parameter.
  [[nodiscard]] std::vector<torch::Tensor> views(const torch::Tensor& flat) const;

 protected:
  Network(Layout layout, std::int64_t num_classes) : layout_(std::move(layout)), num_classes_(num_classes) {}

 private:
  Layout layout_;
  std::int64_t num_classes_;
};

/// Where each row of contiguous inputs [b, ...shape] starts.
template <typename Real>
[[nodiscard]] std::vector<const Real*> row_pointers(const torch::Tensor& inputs) {
  std::vector<const Real*> rows;
  for (std::int64_t i = 0; i < inputs.size(0); ++i) {
    rows.push_back(inputs.data_ptr<Real>() + i * inputs.stride(0));
  }
  return rows;
}

/// UsageError when the architecture cannot take such inputs.
[[nodiscard]] std::shared_ptr<const Network> make_network(const config::Settings::Model& model,
                                                          const std::vector<std::int64_t>& input_shape,
                                                          std::int64_t num_classes);

/// The gradient of one model's loss as a new [P] tensor; buffers are updated only with Statistics::update.
[[nodiscard]] torch::Tensor gradient(const Network& network, const State& state, const torch::Tensor& inputs,
                                     const torch::Tensor& labels, const LossSpec& loss, Statistics statistics);

}  // namespace unroll::model
