#pragma once
// What a gradient that M took and M' did not becomes in the steps after it, were there no curvature: momentum repeats
// it, weight decay shrinks it (METHODS, read this first, 3). Linear, so that of several gradients is the sum.
#include "unroll/config/settings.hpp"
#include "unroll/unlearn/touch.hpp"

namespace unroll::unlearn {

struct Memory {
  double momentum = 0, weight_decay = 0;
  bool freezes = false;      // M' stands still at a step that it skips; else it coasts
  bool loses_decay = false;  // weight decay is a part of the loss: M' has none of it at a step that it skips
  [[nodiscard]] bool is_empty() const { return momentum == 0 && weight_decay == 0; }
  [[nodiscard]] bool freezes_at(const Touch& touch) const { return freezes && touch.rows_left.empty(); }
  /// What acts on the difference of the two at a step that both take.
  [[nodiscard]] Memory at(const Touch& touch) const {
    return {momentum, loses_decay && touch.rows_left.empty() ? 0 : weight_decay, freezes, loses_decay};
  }
};

/// Of M's and M' training; with unlearn.correction = none, as if they had no momentum and no decay.
[[nodiscard]] inline Memory memory_of(const config::Settings& settings) {
  return {settings.train.momentum, settings.train.weight_decay, settings.retrain.skip == config::Skip::freeze,
          settings.train.l2_in == config::L2In::loss};
}
[[nodiscard]] inline Memory corrected_memory_of(const config::Settings& settings) {
  return settings.unlearn.correction == config::Correction::exact ? memory_of(settings) : Memory{};
}

/// Value: a factor (double), or a vector of it (a double tensor [P]).
template <typename Value>
struct Response {
  Value velocity, change;  // v - v' and w' - w

  /// A step that both models take, M' without `gradient`.
  void step(const Memory& memory, double lr, const Value& gradient) {
    velocity = velocity * memory.momentum - change * memory.weight_decay + gradient;
    change = change + velocity * lr;
  }
  /// The same without any.
  void step(const Memory& memory, double lr) {
    velocity = velocity * memory.momentum - change * memory.weight_decay;
    change = change + velocity * lr;
  }
  /// A step that M takes while M' stands still: what is between them stays, and the gradient comes to it.
  void step_alone(double lr, const Value& gradient) {
    velocity = velocity + gradient;
    change = change + gradient * lr;
  }
};

}  // namespace unroll::unlearn
