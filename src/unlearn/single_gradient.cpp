// Single-gradient unlearning (Thudi et al., arXiv 2109.13398): add back what the forgotten examples' gradients took
// away. Its four multi-epoch rules differ in the weights at which the gradients are taken (METHODS 2.1, 2.2):
//   epoch-scaled   w_0                                  sum over touched steps s of eta_s g(w_0; s)
//   grad-list      M's weights at each touched step     sum of eta_s g(w_s; s) (post-step: g(w_{s+1}; s), as published)
//   checkpoint     M's weights at the last multiple of checkpoint_every steps
//   final-weights  M's weights now
#include <algorithm>

#include "unlearn/methods.hpp"
#include "unroll/model/archive.hpp"

namespace unroll::unlearn {
namespace {

model::State copy_of(const model::State& state) { return {state.weights.clone(), state.buffers.clone()}; }

/// Rules whose gradients are taken while M trains: the correction is a running sum.
class RunningSum final : public Unlearner {
 public:
  enum class At { start, before, after };
  RunningSum(At at, config::UnlearnForm form, const model::State& start, std::shared_ptr<ForgottenGradient> gradient)
      : at_(at), form_(form), start_(start), gradient_(std::move(gradient)) {}

  void before_step(const Touch& touch, const model::State& original) override {
    if (at_ != At::after) {
      add(touch, at_ == At::start ? start_ : original);
    }
  }
  void after_step(const Touch& touch, const model::State& original) override {
    if (at_ == At::after) {
      add(touch, original);
    }
  }
  void transfer(Archive& archive) override { archive(sum_); }
  torch::Tensor correction(const model::State& original) override {
    return sum_.defined() ? sum_.to(original.weights.device()) : torch::zeros_like(original.weights, torch::kFloat64);
  }

 private:
  void add(const Touch& touch, const model::State& at) {
    auto term = (*gradient_)(form_, at, touch) * touch.lr;
    sum_ = sum_.defined() ? sum_.to(term.device()) + term : term;  // a checkpoint gives it back in host memory
  }

  At at_;
  config::UnlearnForm form_;
  model::State start_;
  std::shared_ptr<ForgottenGradient> gradient_;
  torch::Tensor sum_;
};

/// Rules whose gradients are all taken at one later point: the touched steps are remembered, equal ones together.
class LateGradients final : public Unlearner {
 public:
  /// checkpoint_every 0: at M's weights now.
  LateGradients(std::int64_t checkpoint_every, config::UnlearnForm form, std::shared_ptr<ForgottenGradient> gradient)
      : checkpoint_every_(checkpoint_every), form_(form), gradient_(std::move(gradient)) {}

  void at_clock(std::int64_t step, const model::State& original) override {
    if (checkpoint_every_ > 0 && step % checkpoint_every_ == 0) {
      checkpoint_ = copy_of(original);
    }
  }

  void before_step(const Touch& touch, const model::State&) override {
    const auto equal = std::find_if(touches_.begin(), touches_.end(), [&](const Touch& other) {
      return other.rows == touch.rows && other.rows_left == touch.rows_left &&
             gradient_->is_same_loss(other.step, touch.step);
    });
    if (equal != touches_.end()) {
      equal->lr += touch.lr;
    } else {
      touches_.push_back(touch);
    }
  }

  void transfer(Archive& archive) override { archive(checkpoint_, touches_); }
  torch::Tensor correction(const model::State& original) override {
    auto sum = torch::zeros_like(original.weights, torch::kFloat64);
    const auto at = checkpoint_every_ > 0 ? checkpoint_.on(original.weights.device()) : original;
    for (const auto& touch : touches_) {
      sum += (*gradient_)(form_, at, touch) * touch.lr;
    }
    return sum;
  }

 private:
  std::int64_t checkpoint_every_;
  config::UnlearnForm form_;
  std::shared_ptr<ForgottenGradient> gradient_;
  model::State checkpoint_;
  std::vector<Touch> touches_;
};

}  // namespace

std::unique_ptr<Unlearner> make_single_gradient(const config::Settings& settings, const model::State& start,
                                                std::shared_ptr<ForgottenGradient> gradient) {
  const auto& unlearn = settings.unlearn;
  switch (unlearn.rule) {
    case config::UnlearnRule::epoch_scaled:
      return std::make_unique<RunningSum>(RunningSum::At::start, unlearn.form, start, std::move(gradient));
    case config::UnlearnRule::grad_list:
      return std::make_unique<RunningSum>(
          unlearn.gradient_at == config::GradientAt::post_step ? RunningSum::At::after : RunningSum::At::before,
          unlearn.form, start, std::move(gradient));
    case config::UnlearnRule::checkpoint:
      return std::make_unique<LateGradients>(unlearn.checkpoint_every, unlearn.form, std::move(gradient));
    case config::UnlearnRule::final_weights:
      return std::make_unique<LateGradients>(0, unlearn.form, std::move(gradient));
  }
  return nullptr;
}

}  // namespace unroll::unlearn
