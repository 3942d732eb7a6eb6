// The first-order unroll and the exact factor against M and M' that are trained here by the textbook formula, on
// softmax regression in float64: what they leave of M - M' falls with the learning rate as it must.
#include <cmath>

#include "support/catch.hpp"
#include "unlearn/fixture.hpp"

namespace unroll::unlearn {
namespace {

constexpr std::int64_t kSteps = 14;  // two epochs of the first 28 rows
const std::vector<std::int64_t> kWholeBatch = {8, 9, 10, 11}, kScattered = {1, 9, 10, 22};

struct Training {
  std::vector<std::int64_t> forgotten = kWholeBatch;
  double momentum = 0, weight_decay = 0;
  config::Skip skip = config::Skip::freeze;
  config::Denominator denominator = config::Denominator::left;
};

struct Weights {
  torch::Tensor weights, velocity;
};

double rate(double lr, std::int64_t step) { return step < 6 ? lr : lr / 2; }

/// SGD as in PyTorch; gradient undefined: zeros.
void take(const Training& training, double lr, torch::Tensor gradient, Weights& model) {
  auto direction = model.weights * training.weight_decay;
  direction = gradient.defined() ? direction + gradient : direction;
  model.velocity = model.velocity * training.momentum + direction;
  model.weights = model.weights - model.velocity * lr;
}

struct Outcome {
  double left, nothing;  // ||w'' - w'||, ||w - w'||
};

Outcome outcome_of(Fixture& f, const Training& training, double lr) {
  f.settings.train.momentum = training.momentum;
  f.settings.train.weight_decay = training.weight_decay;
  f.settings.retrain.skip = training.skip;
  f.settings.retrain.denominator = training.denominator;
  const auto unlearner = f.unlearner();
  Weights original{f.start.weights, torch::zeros_like(f.start.weights)}, retrained = original;
  const auto seen = [&] { return Original{{original.weights, f.start.buffers}, original.velocity}; };
  for (std::int64_t step = 0; step < kSteps; ++step) {
    Touch touch;
    touch.step = step;
    touch.lr = rate(lr, step);
    for (std::int64_t row = 4 * (step % 7); row < 4 * (step % 7) + 4; ++row) {
      const auto& gone = training.forgotten;
      const bool is_gone = std::find(gone.begin(), gone.end(), row) != gone.end();
      touch.rows.push_back(row);
      (is_gone ? touch.rows_forgotten : touch.rows_left).push_back(row);
    }
    const bool is_touched = !touch.rows_forgotten.empty();
    unlearner->at_clock(step, seen().state);
    if (is_touched) {
      unlearner->before_step(touch, seen());
    } else if (unlearner->follows()) {
      unlearner->before_untouched_step({step, touch.lr, touch.rows}, seen());
    }
    const auto gradient = [&](const Weights& model, const std::vector<std::int64_t>& rows) {
      const bool is_left = training.denominator == config::Denominator::left;
      return f.by_hand({model.weights, f.start.buffers}, rows, is_left ? static_cast<double>(rows.size()) : 4);
    };
    if (!touch.rows_left.empty()) {
      take(training, touch.lr, gradient(retrained, touch.rows_left), retrained);
    } else if (training.skip == config::Skip::coast) {
      take(training, touch.lr, {}, retrained);
    }
    take(training, touch.lr, gradient(original, touch.rows), original);
    if (is_touched) {
      unlearner->after_step(touch, seen());
    }
  }
  const auto apart = original.weights - retrained.weights;
  return {(apart + unlearner->correction(seen().state)).norm().item<double>(), apart.norm().item<double>()};
}

/// The power of the learning rate with which the verification error falls.
double slope(Fixture& f, const Training& training) {
  return std::log2(outcome_of(f, training, 0.002).left / outcome_of(f, training, 0.001).left);
}

TEST_CASE("The first-order unroll leaves an error of third order in the learning rate, for every way of training") {
  Fixture f;
  f.settings.unlearn.method = config::UnlearnMethod::first_order;
  for (const auto& forgotten : {kWholeBatch, kScattered}) {
    for (const auto skip : {config::Skip::freeze, config::Skip::coast}) {
      for (const auto denominator : {config::Denominator::left, config::Denominator::batch}) {
        for (const double momentum : {0.0, 0.9}) {
          for (const double weight_decay : {0.0, 0.5}) {
            INFO(forgotten.size() << " " << momentum << " " << weight_decay);
            CHECK(slope(f, {forgotten, momentum, weight_decay, skip, denominator}) == Approx(3).margin(0.1));
          }
        }
      }
    }
  }
}

TEST_CASE("Single-gradient leaves an error of second order in plain SGD, and of first order with momentum or decay") {
  Fixture f;
  for (const auto& forgotten : {kWholeBatch, kScattered}) {
    CHECK(slope(f, {forgotten}) == Approx(2).margin(0.05));
    CHECK(slope(f, {forgotten, 0.9, 0, config::Skip::coast}) == Approx(1).margin(0.05));
  }
  const auto with_momentum = outcome_of(f, {kWholeBatch, 0.9, 0, config::Skip::coast}, 0.001);
  CHECK(with_momentum.left > 0.5 * with_momentum.nothing);
}

TEST_CASE("The exact factor makes it second order again, by every rule, where M' coasts") {
  using config::UnlearnRule;
  Fixture f;
  f.settings.unlearn.correction = config::Correction::exact;
  f.settings.unlearn.checkpoint_every = 5;
  for (const auto rule :
       {UnlearnRule::epoch_scaled, UnlearnRule::grad_list, UnlearnRule::checkpoint, UnlearnRule::final_weights}) {
    for (const auto at : {config::GradientAt::pre_step, config::GradientAt::post_step}) {
      f.settings.unlearn.rule = rule;
      f.settings.unlearn.gradient_at = at;
      for (const auto& forgotten : {kWholeBatch, kScattered}) {
        INFO(static_cast<int>(rule) << " " << forgotten.size());
        CHECK(slope(f, {forgotten, 0.9, 0, config::Skip::coast}) == Approx(2).margin(0.1));
        CHECK(slope(f, {forgotten, 0.5, 0.5, config::Skip::coast}) == Approx(2).margin(0.1));
      }
    }
  }
}

TEST_CASE("Where M' freezes at a late step, what the exact factor leaves is the velocity that M' lost") {
  Fixture f;
  f.settings.unlearn.correction = config::Correction::exact;
  const Training frozen{kWholeBatch, 0.9, 0, config::Skip::freeze};
  CHECK(slope(f, frozen) == Approx(1).margin(0.05));
  f.settings.unlearn.method = config::UnlearnMethod::first_order;
  const auto first_order = outcome_of(f, frozen, 0.001);
  CHECK(first_order.left < 1e-4 * first_order.nothing);
}

TEST_CASE("The exact factor of one batch is (1 - mu^(T-k)) / (1 - mu), and with decay the recursion, not a product") {
  Fixture f;
  f.settings.unlearn.correction = config::Correction::exact;
  const auto factor_of = [&](double momentum, double weight_decay, double lr, std::int64_t first, std::int64_t last) {
    f.settings.train.momentum = momentum;
    f.settings.train.weight_decay = weight_decay;
    const auto unlearner = f.unlearner();
    const std::vector<std::int64_t> others = {0, 1, 2, 3};
    for (std::int64_t step = 0; step < last; ++step) {
      step == first ? unlearner->before_step(touch_of(step, lr, {}, {4, 5, 6, 7}), {f.later})
                    : unlearner->before_untouched_step({step, lr, others}, {f.later});
    }
    const auto once = f.by_hand(f.start, {4, 5, 6, 7}, 4) * lr;
    return unlearner->correction(f.last).norm().item<double>() / once.norm().item<double>();
  };

  CHECK(factor_of(0.9, 0, 0.1, 0, 40) == Approx((1 - std::pow(0.9, 40)) / 0.1).epsilon(1e-12));
  CHECK(factor_of(0.9, 0, 0.1, 25, 40) == Approx((1 - std::pow(0.9, 15)) / 0.1).epsilon(1e-12));
  CHECK(factor_of(0, 0.5, 0.1, 25, 40) == Approx(std::pow(1 - 0.05, 14)).epsilon(1e-12));
  CHECK(factor_of(0.9, 5e-4, 0.1, 0, 1000) == Approx(6.11).margin(0.005));
}

TEST_CASE("The correction stays what it was where the optimiser has no memory, and none is none") {
  Fixture f;
  const auto published = outcome_of(f, {kScattered}, 0.01);
  f.settings.unlearn.correction = config::Correction::exact;
  CHECK_FALSE(f.unlearner()->follows());
  CHECK(outcome_of(f, {kScattered}, 0.01).left == published.left);
  f.settings.unlearn.method = config::UnlearnMethod::none;
  const auto none = outcome_of(f, {kScattered, 0.9}, 0.01);
  CHECK(none.left == none.nothing);
  CHECK(f.unlearner()->correction(f.last).eq(0).all().item<bool>());
}

TEST_CASE("A method goes on from its archive to the same bits") {
  Fixture f;
  f.settings.train.momentum = 0.9;
  f.settings.train.weight_decay = 0.01;
  const auto part = touch_of(0, 0.1, {1, 2, 3}, {7}), whole = touch_of(2, 0.1, {}, {4, 5, 6, 7});
  const std::vector<std::int64_t> others = {8, 9, 10, 11};
  const auto velocity = f.last.weights;
  const auto go_on = [&](Unlearner& unlearner, std::int64_t from, std::int64_t to) {
    for (auto step = from; step < to; ++step) {
      unlearner.at_clock(step, f.start);
      if (step == 1 || step == 3) {
        unlearner.before_untouched_step({step, 0.1, others}, {f.later, velocity});
      } else {
        unlearner.before_step(step == 0 ? part : whole, {f.start, velocity});
        unlearner.after_step(step == 0 ? part : whole, {f.later, velocity * 2});
      }
    }
  };
  const auto check = [&] {
    for (std::int64_t stop = 0; stop <= 4; ++stop) {
      const auto straight = f.unlearner(), before = f.unlearner(), after = f.unlearner();
      go_on(*straight, 0, 4);
      go_on(*before, 0, stop);
      Archive saved;
      before->transfer(saved);
      const auto bytes = saved.take();
      Archive loaded(bytes);
      after->transfer(loaded);
      loaded.finish();
      go_on(*after, stop, 4);
      CHECK(test::same_bits(straight->correction(f.last), after->correction(f.last)));
    }
  };
  f.settings.unlearn.correction = config::Correction::exact;
  for (const auto rule : {config::UnlearnRule::epoch_scaled, config::UnlearnRule::grad_list,
                          config::UnlearnRule::checkpoint, config::UnlearnRule::final_weights}) {
    f.settings.unlearn.rule = rule;
    check();
  }
  f.settings.unlearn.method = config::UnlearnMethod::first_order;
  check();
}

}  // namespace
}  // namespace unroll::unlearn
