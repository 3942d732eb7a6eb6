#pragma once
// First and second derivatives of the training loss on M's batches and on what is left of them without the forget set.
// BatchNorm sees each batch as in training; buffers are untouched.
#include <torch/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "unroll/config/settings.hpp"
#include "unroll/data/resident.hpp"
#include "unroll/model/network.hpp"
#include "unroll/unlearn/touch.hpp"

namespace unroll::unlearn {

/// What the forgotten examples of a touched step add to its gradient at given weights, in double [P]:
///   difference  grad L(w; B) - grad L(w; B without F) (second term 0 if emptied), DESIGN 4.5: right for any set;
///   published   sum over the forgotten examples of grad l(w; x) / batch size (Thudi et al., section 4).
/// BatchNorm sees each batch as in training; buffers are untouched. The loss is that of the touched step; weight decay
/// is part of it where train.l2_in = loss: of a whole step's gradient, and of a published one in proportion.
class ForgottenGradient {
 public:
  /// start: w_0, whose gradients several ask for at one step: they are computed once (forget). batch_size: of M's
  /// order, where that is a table; unset: train.batch. steps_per_epoch: of M's order (loss.gamma_decay).
  ForgottenGradient(std::shared_ptr<const model::Network> network, std::shared_ptr<const data::ResidentData> data,
                    const config::Settings& settings, model::State start, std::int64_t steps_per_epoch = 1,
                    std::optional<std::int64_t> batch_size = {});
  [[nodiscard]] torch::Tensor operator()(config::UnlearnForm form, const model::State& at, const Touch& touch);
  [[nodiscard]] torch::Tensor difference(const model::State& at, const Touch& touch);
  /// The Hessian of the data's part of step s's loss on rows, divided by the denominator, times v; v and the product in
  /// double [P], formed in the model's precision.
  [[nodiscard]] torch::Tensor hessian_product(const model::State& at, std::int64_t step,
                                              const std::vector<std::int64_t>& rows, double denominator,
                                              const torch::Tensor& v) const;
  /// Everybody has asked for what w_0 gives at this step.
  void forget() { at_start_.clear(); }
  /// operator() gives the mean loss's gradient on these rows instead, whatever the form: METHODS A6.
  void take_instead(std::vector<std::int64_t> rows) { instead_ = std::move(rows); }
  /// The divisor of the loss over M's whole batch, and over what is left of it (retrain.denominator).
  [[nodiscard]] double denominator(const Touch& touch) const { return static_cast<double>(touch.rows.size()); }
  [[nodiscard]] double denominator_left(const Touch& touch) const;
  [[nodiscard]] model::Statistics statistics(std::int64_t step) const { return batchnorm_.gradient(step); }
  [[nodiscard]] const model::TrainingLoss& loss() const { return loss_; }
  /// Equal batches have equal gradients at equal weights in both steps.
  [[nodiscard]] bool is_same_loss(std::int64_t a, std::int64_t b) const {
    return loss_.gamma_at(a) == loss_.gamma_at(b) && statistics(a) == statistics(b);
  }

 private:
  [[nodiscard]] torch::Tensor computed(const model::State& at, std::int64_t step, const std::vector<std::int64_t>& rows,
                                       double denominator) const;
  [[nodiscard]] torch::Tensor gradient(const model::State& at, std::int64_t step, const std::vector<std::int64_t>& rows,
                                       double denominator);
  [[nodiscard]] torch::Tensor with_l2(torch::Tensor gradient, const model::State& at, double part) const;
  std::shared_ptr<const model::Network> network_;
  std::shared_ptr<const data::ResidentData> data_;
  model::BatchNormUse batchnorm_;
  model::TrainingLoss loss_;
  double batch_size_;
  config::Denominator denominator_;
  model::State start_;
  std::vector<std::int64_t> instead_;
  std::map<std::pair<std::vector<std::int64_t>, double>, torch::Tensor> at_start_;  // by rows and denominator
};

}  // namespace unroll::unlearn
