// The first-order unroll: d = w - w' carried along M's steps, each step of M' linearised at M's weights (METHODS 2.21,
// with one forget set). Formulas: README.md.
#include "unlearn/methods.hpp"
#include "unlearn/response.hpp"
#include "unroll/model/archive.hpp"
#include "unroll/unlearn/forgotten_gradient.hpp"

namespace unroll::unlearn {
namespace {

torch::Tensor double_copy(const torch::Tensor& values) {
  return values.defined() ? values.to(torch::kFloat64, /*non_blocking=*/false, /*copy=*/true) : values;
}

class FirstOrder final : public Unlearner {
 public:
  FirstOrder(const Memory& memory, std::shared_ptr<ForgottenGradient> gradient)
      : memory_(memory), gradient_(std::move(gradient)) {}

  [[nodiscard]] bool follows() const override { return true; }

  void before_step(const Touch& touch, const Original& original) override {
    if (memory_.freezes_at(touch)) {
      before_ = {double_copy(original.state.weights), double_copy(original.velocity)};
      return;
    }
    auto change = gradient_->difference(original.state, touch);
    if (!touch.rows_left.empty() && is_apart(original)) {
      change = change + gradient_->hessian_product(original.state, touch.step, touch.rows_left,
                                                   gradient_->denominator_left(touch), difference_);
    }
    advance(memory_.at(touch), touch.lr, change, original);
  }

  /// M' stood still: what M moved by is all between them, its rounding included.
  void after_step(const Touch& touch, const Original& original) override {
    if (!memory_.freezes_at(touch)) {
      return;
    }
    const auto moved = original.state.weights.to(torch::kFloat64) - before_.weights;
    difference_ = is_apart(original) ? difference_ + moved : moved;
    if (before_.velocity.defined()) {
      const auto gained = original.velocity.to(torch::kFloat64) - before_.velocity;
      velocity_ = velocity_.defined() ? velocity_ + gained : gained;
    }
    before_ = {};
  }

  void before_untouched_step(const Step& step, const Original& original) override {
    if (is_apart(original)) {
      const auto count = static_cast<double>(step.rows.size());
      advance(memory_, step.lr, gradient_->hessian_product(original.state, step.step, step.rows, count, difference_),
              original);
    }
  }

  void transfer(Archive& archive) override { archive(difference_, velocity_); }

  torch::Tensor correction(const model::State& original) override {
    return difference_.defined() ? difference_.to(original.weights.device()).neg()
                                 : torch::zeros_like(original.weights, torch::kFloat64);
  }

 private:
  struct Before {
    torch::Tensor weights, velocity;
  };

  /// Whether F was met; what a checkpoint gave back in host memory then stands where M does.
  bool is_apart(const Original& original) {
    const auto device = original.state.weights.device();
    difference_ = difference_.defined() ? difference_.to(device) : difference_;
    velocity_ = velocity_.defined() ? velocity_.to(device) : velocity_;
    return difference_.defined();
  }

  /// SGD on the difference; change: of the two gradients.
  void advance(const Memory& memory, double lr, torch::Tensor change, const Original& original) {
    const bool was_apart = is_apart(original);
    if (was_apart && memory.weight_decay != 0) {
      change = change + difference_ * memory.weight_decay;
    }
    if (memory.momentum != 0) {
      velocity_ = velocity_.defined() ? velocity_ * memory.momentum + change : change;
      change = velocity_;
    }
    difference_ = was_apart ? difference_ - change * lr : change * -lr;
  }

  Memory memory_;
  std::shared_ptr<ForgottenGradient> gradient_;
  torch::Tensor difference_, velocity_;  // w - w' and v - v', double [P]; undefined: still 0
  Before before_;                        // of a step that M takes alone
};

}  // namespace

std::unique_ptr<Unlearner> make_first_order(const config::Settings& settings, const model::State&,
                                            std::shared_ptr<ForgottenGradient> gradient) {
  return std::make_unique<FirstOrder>(memory_of(settings), std::move(gradient));
}

}  // namespace unroll::unlearn
