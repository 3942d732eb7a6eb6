// Single-gradient unlearning against gradients written out here, on softmax regression in float64.
#include "support/catch.hpp"
#include "unlearn/fixture.hpp"

namespace unroll::unlearn {
namespace {

TEST_CASE("What w_0 gives is computed once a step for all who ask, and is the same bits as computed anew") {
  Fixture f;
  const auto gradient = f.gradient();
  const auto touch = touch_of(0, 0.1, {1, 2, 3}, {7});
  const model::State copy{f.start.weights.clone(), f.start.buffers.clone()};  // another tensor: not remembered

  const auto first = gradient->difference(f.start, touch), again = gradient->difference(f.start, touch);
  CHECK(torch::equal(first, gradient->difference(copy, touch)));
  CHECK(torch::equal(first, again));
  const auto whole = touch_of(0, 0.1, {}, {4, 5, 6, 7});
  CHECK(gradient->difference(f.start, whole).is_same(gradient->difference(f.start, whole)));
  const auto before = gradient->difference(f.start, whole);
  gradient->forget();
  CHECK_FALSE(gradient->difference(f.start, whole).is_same(before));
  CHECK_FALSE(torch::equal(gradient->difference(f.later, whole), before));
}

TEST_CASE("What the forgotten examples add to a batch's gradient: difference and published form, both denominators") {
  Fixture f;
  const auto part = touch_of(0, 0.1, {1, 2, 3}, {7});
  const auto whole = touch_of(0, 0.1, {}, {4, 5, 6, 7});
  const auto all = f.by_hand(f.start, part.rows, 4);

  CHECK(test::apart((*f.gradient())(f.settings.unlearn.form, f.start, part), all - f.by_hand(f.start, {1, 2, 3}, 3)) <
        1e-14);
  CHECK(test::apart((*f.gradient())(f.settings.unlearn.form, f.start, whole), f.by_hand(f.start, whole.rows, 4)) <
        1e-14);
  f.settings.retrain.denominator = config::Denominator::batch;
  CHECK(test::apart((*f.gradient())(f.settings.unlearn.form, f.start, part), f.by_hand(f.start, {7}, 4)) < 1e-14);
  f.settings.unlearn.form = config::UnlearnForm::published;
  f.settings.retrain.denominator = config::Denominator::left;
  CHECK(test::apart((*f.gradient())(f.settings.unlearn.form, f.start, part), f.by_hand(f.start, {7}, 4)) < 1e-14);
}

TEST_CASE("The four rules take their gradients at w_0, at each touched step, at the last checkpoint, at the end") {
  using config::UnlearnRule;
  const auto first = touch_of(2, 0.1, {1, 2, 3}, {7});
  const auto second = touch_of(5, 0.05, {8, 9}, {10, 11});
  const auto correction_by = [&](UnlearnRule rule, config::GradientAt at) {
    Fixture f;
    f.settings.unlearn.rule = rule;
    f.settings.unlearn.gradient_at = at;
    f.settings.unlearn.checkpoint_every = 4;
    const auto unlearner = f.unlearner();
    for (std::int64_t step = 0; step < 7; ++step) {
      unlearner->at_clock(step, step < 4 ? f.start : f.later);
      if (step == 2) {
        unlearner->before_step(first, {f.start});
        unlearner->after_step(first, {f.later});
      }
      if (step == 5) {
        unlearner->before_step(second, {f.later});
        unlearner->after_step(second, {f.last});
      }
    }
    return unlearner->correction(f.last).clone();
  };
  const Fixture f;
  const auto g = [&](const model::State& one, const model::State& two) {
    return 0.1 * (f.by_hand(one, first.rows, 4) - f.by_hand(one, first.rows_left, 3)) +
           0.05 * (f.by_hand(two, second.rows, 4) - f.by_hand(two, second.rows_left, 2));
  };
  const auto pre = config::GradientAt::pre_step, post = config::GradientAt::post_step;

  CHECK(test::apart(correction_by(UnlearnRule::epoch_scaled, pre), g(f.start, f.start)) < 1e-14);
  CHECK(test::apart(correction_by(UnlearnRule::grad_list, pre), g(f.start, f.later)) < 1e-14);
  CHECK(test::apart(correction_by(UnlearnRule::grad_list, post), g(f.later, f.last)) < 1e-14);
  CHECK(test::apart(correction_by(UnlearnRule::checkpoint, pre), g(f.later, f.later)) < 1e-14);
  CHECK(test::apart(correction_by(UnlearnRule::final_weights, pre), g(f.last, f.last)) < 1e-14);
  CHECK(test::apart(g(f.start, f.later), g(f.later, f.last)) > 1e-3);  // the rules can be told apart
}

TEST_CASE("Epoch-scaled on a whole batch met in every epoch is E eta times its gradient at w_0, the paper's rule") {
  const Fixture f;
  const auto unlearner = f.unlearner();
  for (std::int64_t epoch = 0; epoch < 3; ++epoch) {
    unlearner->before_step(touch_of(epoch * 8, 0.1, {}, {4, 5, 6, 7}), {f.later});
  }

  CHECK(test::apart(unlearner->correction(f.last), 3 * 0.1 * f.by_hand(f.start, {4, 5, 6, 7}, 4)) < 1e-14);
}

TEST_CASE("Before anything was forgotten the correction is exactly 0") {
  Fixture f;
  for (const auto rule : {config::UnlearnRule::epoch_scaled, config::UnlearnRule::grad_list,
                          config::UnlearnRule::checkpoint, config::UnlearnRule::final_weights}) {
    f.settings.unlearn.rule = rule;
    const auto unlearner = f.unlearner();
    unlearner->at_clock(0, f.start);
    CHECK(unlearner->correction(f.later).eq(0).all().item<bool>());
  }
}

TEST_CASE("One step and its correction give the retrained weights back exactly to first order: all of them, here") {
  // After one step from w_0, w = w_0 - eta grad(B), w' = w_0 - eta grad(B without F): the difference form undoes it.
  const Fixture f;
  const auto touch = touch_of(0, 0.3, {1, 2, 3}, {7});
  const auto unlearner = f.unlearner();
  unlearner->before_step(touch, {f.start});
  const model::State original{f.start.weights - 0.3 * f.by_hand(f.start, touch.rows, 4), f.start.buffers};
  const auto retrained = f.start.weights - 0.3 * f.by_hand(f.start, touch.rows_left, 3);

  CHECK(test::apart(original.weights + unlearner->correction(original), retrained) < 1e-15);
}

}  // namespace
}  // namespace unroll::unlearn
