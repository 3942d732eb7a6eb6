// Single-gradient unlearning (Thudi et al., arXiv 2109.13398): add back what the forgotten examples' gradients took
// away. Its four multi-epoch rules differ in the weights at which the gradients are taken (METHODS 2.1, 2.2):
//   epoch-scaled   w_0                                  sum over touched steps s of eta_s g(w_0; s)
//   grad-list      M's weights at each touched step     sum of eta_s g(w_s; s) (post-step: g(w_{s+1}; s), as published)
//   checkpoint     M's weights at the last multiple of checkpoint_every steps
//   final-weights  M's weights now
// unlearn.correction = exact puts in the place of eta_s what momentum and weight decay have made of it since.
#include <algorithm>

#include "unlearn/methods.hpp"
#include "unlearn/response.hpp"
#include "unroll/model/archive.hpp"
#include "unroll/unlearn/forgotten_gradient.hpp"

namespace unroll::unlearn {
namespace {

model::State copy_of(const model::State& state) { return {state.weights.clone(), state.buffers.clone()}; }

/// Rules whose gradients are taken while M trains: the correction is a running sum.
class RunningSum final : public Unlearner {
 public:
  enum class At { start, before, after };
  RunningSum(At at, const config::Settings& settings, const model::State& start,
             std::shared_ptr<ForgottenGradient> gradient)
      : at_(at),
        form_(settings.unlearn.form),
        memory_(corrected_memory_of(settings)),
        start_(start),
        gradient_(std::move(gradient)) {}

  [[nodiscard]] bool follows() const override { return !memory_.is_empty(); }
  void before_step(const Touch& touch, const Original& original) override {
    if (at_ != At::after) {
      add(touch, at_ == At::start ? start_ : original.state);
    }
  }
  void after_step(const Touch& touch, const Original& original) override {
    if (at_ == At::after) {
      add(touch, original.state);
    }
  }
  void before_untouched_step(const Step& step, const Original& original) override {
    if (sum_.change.defined()) {
      settle(original.state.weights.device());
      sum_.step(memory_, step.lr);
    }
  }
  void transfer(Archive& archive) override { archive(sum_.velocity, sum_.change); }
  torch::Tensor correction(const model::State& original) override {
    return sum_.change.defined() ? sum_.change.to(original.weights.device())
                                 : torch::zeros_like(original.weights, torch::kFloat64);
  }

 private:
  void add(const Touch& touch, const model::State& at) {
    const auto gradient = (*gradient_)(form_, at, touch);
    settle(gradient.device());
    if (!sum_.change.defined()) {
      sum_ = {memory_.is_empty() ? torch::Tensor() : torch::zeros_like(gradient), torch::zeros_like(gradient)};
    }
    if (memory_.is_empty()) {
      sum_.change = sum_.change + gradient * touch.lr;
    } else if (memory_.freezes_at(touch)) {
      sum_.step_alone(touch.lr, gradient);
    } else {
      sum_.step(memory_.at(touch), touch.lr, gradient);
    }
  }

  /// A checkpoint gives them back in host memory.
  void settle(torch::Device device) {
    for (auto* values : {&sum_.velocity, &sum_.change}) {
      *values = values->defined() ? values->to(device) : *values;
    }
  }

  At at_;
  config::UnlearnForm form_;
  Memory memory_;
  model::State start_;
  std::shared_ptr<ForgottenGradient> gradient_;
  Response<torch::Tensor> sum_;
};

/// Rules whose gradients are all taken at one later point: the touched steps are remembered, equal ones together.
class LateGradients final : public Unlearner {
 public:
  /// checkpoint_every 0: at M's weights now.
  LateGradients(std::int64_t checkpoint_every, const config::Settings& settings,
                std::shared_ptr<ForgottenGradient> gradient)
      : checkpoint_every_(checkpoint_every),
        form_(settings.unlearn.form),
        memory_(corrected_memory_of(settings)),
        gradient_(std::move(gradient)) {}

  void at_clock(std::int64_t step, const model::State& original) override {
    if (checkpoint_every_ > 0 && step % checkpoint_every_ == 0) {
      checkpoint_ = copy_of(original);
    }
  }

  [[nodiscard]] bool follows() const override { return !memory_.is_empty(); }
  void before_step(const Touch& touch, const Original&) override {
    const auto equal = std::find_if(met_.begin(), met_.end(), [&](const Met& other) {
      return other.touch.rows == touch.rows && other.touch.rows_left == touch.rows_left &&
             gradient_->is_same_loss(other.touch.step, touch.step);
    });
    const auto now = static_cast<std::size_t>(equal - met_.begin());
    if (equal == met_.end()) {
      met_.push_back({touch, {0, 0}});
    }
    for (std::size_t i = 0; i < met_.size(); ++i) {
      auto& factor = met_[i].factor;
      const double is_met = i == now ? 1 : 0;
      memory_.freezes_at(touch) ? factor.step_alone(touch.lr, is_met)
                                : factor.step(memory_.at(touch), touch.lr, is_met);
    }
  }
  void before_untouched_step(const Step& step, const Original&) override {
    for (auto& met : met_) {
      met.factor.step(memory_, step.lr);
    }
  }

  void transfer(Archive& archive) override { archive(checkpoint_, met_); }
  torch::Tensor correction(const model::State& original) override {
    auto sum = torch::zeros_like(original.weights, torch::kFloat64);
    const auto at = checkpoint_every_ > 0 ? checkpoint_.on(original.weights.device()) : original;
    for (const auto& met : met_) {
      sum += (*gradient_)(form_, at, met.touch) * met.factor.change;
    }
    return sum;
  }

 private:
  struct Met {
    Touch touch;              // the first of its kind
    Response<double> factor;  // of its gradient
    void transfer(Archive& archive) { archive(touch, factor.velocity, factor.change); }
  };

  std::int64_t checkpoint_every_;
  config::UnlearnForm form_;
  Memory memory_;
  std::shared_ptr<ForgottenGradient> gradient_;
  model::State checkpoint_;
  std::vector<Met> met_;
};

}  // namespace

std::unique_ptr<Unlearner> make_single_gradient(const config::Settings& settings, const model::State& start,
                                                std::shared_ptr<ForgottenGradient> gradient) {
  const auto& unlearn = settings.unlearn;
  switch (unlearn.rule) {
    case config::UnlearnRule::epoch_scaled:
      return std::make_unique<RunningSum>(RunningSum::At::start, settings, start, std::move(gradient));
    case config::UnlearnRule::grad_list:
      return std::make_unique<RunningSum>(
          unlearn.gradient_at == config::GradientAt::post_step ? RunningSum::At::after : RunningSum::At::before,
          settings, start, std::move(gradient));
    case config::UnlearnRule::checkpoint:
      return std::make_unique<LateGradients>(unlearn.checkpoint_every, settings, std::move(gradient));
    case config::UnlearnRule::final_weights:
      return std::make_unique<LateGradients>(0, settings, std::move(gradient));
  }
  return nullptr;
}

}  // namespace unroll::unlearn
