#pragma once
// Unlearning methods behind one interface. A method watches M train (it is told before and after every step that
// touches the forget set, at every tick of M's clock, and of every other step if it follows M) and gives, at any step,
// the correction c with w'' = w + c in double. It never changes M. A new method is a class and a line in registry.cpp.
// What each computes, keeps and costs: src/unlearn/README.md.
#include <torch/types.h>

#include <cstdint>
#include <memory>

#include "unroll/base/archive.hpp"
#include "unroll/config/settings.hpp"
#include "unroll/model/layout.hpp"
#include "unroll/unlearn/touch.hpp"

namespace unroll::unlearn {

class ForgottenGradient;

/// M between two steps: views that change with the next one.
struct Original {
  model::State state;
  torch::Tensor velocity = {};  // [P]; undefined without momentum
};

class Unlearner {
 public:
  virtual ~Unlearner() = default;
  /// M before and after it takes a step that touches F.
  virtual void before_step(const Touch&, const Original&) {}
  virtual void after_step(const Touch&, const Original&) {}
  /// Whether it is told of the other steps too, before M takes them.
  [[nodiscard]] virtual bool follows() const { return false; }
  virtual void before_untouched_step(const Step&, const Original&) {}
  /// M's state when it has taken `step` steps (called for every step from 0 on, before before_step).
  virtual void at_clock(std::int64_t, const model::State&) {}
  /// What it has seen so far, for a checkpoint between two steps: to the archive, or back into a new one made as this
  /// was.
  virtual void transfer(Archive& archive) = 0;
  /// w'' - w in double [P], from what was seen so far and M's state now.
  [[nodiscard]] virtual torch::Tensor correction(const model::State& original) = 0;
};

/// start: M's state at step 0; kept by reference to its storage, which must not change.
[[nodiscard]] std::unique_ptr<Unlearner> make_unlearner(const config::Settings& settings, const model::State& start,
                                                        std::shared_ptr<ForgottenGradient> gradient);

}  // namespace unroll::unlearn
