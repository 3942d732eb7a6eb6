#include "unroll/learn/lane_pack.hpp"

#include <torch/csrc/autograd/autograd.h>

#include "support/catch.hpp"
#include "support/small_set.hpp"
#include "support/tensors.hpp"

namespace unroll::learn {
namespace {

using Rows = std::shared_ptr<const std::vector<std::int64_t>>;

Rows rows(std::vector<std::int64_t> values) {
  return std::make_shared<const std::vector<std::int64_t>>(std::move(values));
}

LaneStep train_on(std::vector<std::int64_t> values) {
  const auto count = static_cast<double>(values.size());
  return {Action::train, rows(std::move(values)), count};
}

struct Fixture {
  std::shared_ptr<const data::ResidentData> data;
  std::shared_ptr<const model::Network> network;

  explicit Fixture(config::Dtype dtype = config::Dtype::float64) {
    config::Settings::Model model;
    model.arch = config::Arch::mlp;
    model.hidden = {9};
    model.activation = config::Activation::tanh;
    data = std::make_shared<const data::ResidentData>(test::small_set(40, {6}, 3), dtype);
    network = model::make_network(model, {6}, 3);
  }
  [[nodiscard]] LanePack pack(std::vector<Hyper> hypers, std::int64_t max_lanes = 64) const {
    LanePack pack(network, data, config::BatchNormMode::train, std::move(hypers), max_lanes);
    for (std::int64_t lane = 0; lane < pack.num_lanes(); ++lane) {
      pack.set_state(lane, model::initial_state(network->layout(), static_cast<std::uint64_t>(lane), data->dtype()));
    }
    return pack;
  }
};

Hyper hyper(double lr, double momentum = 0, double weight_decay = 0, double gamma = 0) {
  Hyper h;
  h.lr = lr;
  h.momentum = momentum;
  h.weight_decay = weight_decay;
  h.loss.form = {config::LossKind::sd, gamma};
  return h;
}

TEST_CASE("A lane takes PyTorch's SGD step: decay in the gradient, velocity without dampening") {
  const Fixture fixture;
  auto pack = fixture.pack({hyper(0.1, 0.9, 0.01, 2)});
  auto w = pack.state(0).weights.clone();
  auto velocity = torch::zeros_like(w);

  for (std::int64_t step = 0; step < 5; ++step) {
    const std::vector<std::int64_t> batch{step, step + 7, step + 11};
    pack.step(step, {train_on(batch)});

    const auto leaf = w.clone().requires_grad_();
    const auto z = fixture.network->logits(fixture.network->views(leaf), {},
                                           fixture.data->inputs(data::Part::train, batch), model::Statistics::batch);
    const auto value = model::loss(z, fixture.data->labels(data::Part::train, batch), {2, 3});
    const auto direction = torch::autograd::grad({value}, {leaf})[0] + 0.01 * w;
    velocity = step == 0 ? direction : 0.9 * velocity + direction;
    w = w - 0.1 * velocity;
    CHECK(test::apart(pack.state(0).weights, w) < 1e-13);
  }
}

TEST_CASE("Lanes train the same bits with a batch of their own and with a shared one, read in place or gathered") {
  for (const auto dtype : {config::Dtype::float32, config::Dtype::float64}) {
    const Fixture fixture(dtype);
    Fixture gathering(dtype);
    gathering.data = std::make_shared<const data::ResidentData>(test::small_set(40, {6}, 3), dtype, 0);
    const std::vector<Hyper> hypers{hyper(0.1), hyper(0.2, 0.9), hyper(0.1, 0, 0.01, 3)};
    auto own = fixture.pack(hypers), shared = fixture.pack(hypers), gathered = gathering.pack(hypers);
    for (std::int64_t step = 0; step < 4; ++step) {
      const std::vector<std::int64_t> batch{step, step + 9, 39 - step};
      const auto one = train_on(batch);
      own.step(step, {train_on(batch), train_on(batch), train_on(batch)});
      shared.step(step, {one, one, one});
      gathered.step(step, {one, train_on(batch), one});
    }
    for (std::int64_t lane = 0; lane < 3; ++lane) {
      CHECK(test::same_bits(shared.state(lane).weights, own.state(lane).weights));
      CHECK(test::same_bits(gathered.state(lane).weights, own.state(lane).weights));
    }
  }
}

TEST_CASE("A frozen step changes nothing; a coasting one applies momentum and decay, a drifting one momentum alone") {
  const Fixture fixture;
  auto pack = fixture.pack({hyper(0.1, 0.5, 0.2), hyper(0.1, 0.5, 0.2), hyper(0.1, 0.5, 0.2)});
  pack.step(0, {train_on({1, 2}), train_on({1, 2}), train_on({1, 2})});
  const auto frozen = pack.state(0).weights.clone(), moving = pack.state(1).weights.clone();
  const auto before = model::initial_state(fixture.network->layout(), 1, torch::kFloat64).weights;
  const auto drifting = pack.state(2).weights.clone();
  const auto start = model::initial_state(fixture.network->layout(), 2, torch::kFloat64).weights;

  pack.step(1, {LaneStep{Action::freeze, nullptr, 0}, LaneStep{Action::coast, nullptr, 0},
                LaneStep{Action::drift, nullptr, 0}});

  CHECK(test::same_bits(pack.state(0).weights, frozen));
  const auto velocity = (before - moving) / 0.1;
  CHECK(test::apart(pack.state(1).weights, moving - 0.1 * (0.5 * velocity + 0.2 * moving)) < 1e-12);
  CHECK(test::apart(pack.state(2).weights, drifting - 0.5 * (start - drifting)) < 1e-12);
  CHECK(pack.num_model_steps() == 3);
}

TEST_CASE("Lanes with their own rates, losses and batches train as if alone, whatever the pack and the lanes a call") {
  for (const auto dtype : {config::Dtype::float32, config::Dtype::float64}) {
    const Fixture fixture(dtype);
    std::vector<Hyper> hypers;
    for (int lane = 0; lane < 10; ++lane) {
      hypers.push_back(hyper(0.01 * (lane + 1), lane % 2 == 0 ? 0 : 0.9, lane % 3 * 1e-3, lane % 4));
    }
    const auto steps_at = [&](std::int64_t step, std::int64_t lane) {
      if ((lane + step) % 7 == 0) {
        return LaneStep{lane % 2 == 0 ? Action::freeze : Action::coast, nullptr, 0};
      }
      std::vector<std::int64_t> batch;
      for (std::int64_t i = 0; i < 5 - (lane + step) % 3; ++i) {
        batch.push_back((step * 5 + i * (lane + 1)) % 40);
      }
      return train_on(batch);
    };
    std::vector<LanePack> packs;
    for (const std::int64_t max_lanes : {64, 4, 1}) {
      packs.push_back(fixture.pack(hypers, max_lanes));
    }

    for (auto& pack : packs) {
      for (std::int64_t step = 0; step < 12; ++step) {
        std::vector<LaneStep> steps;
        for (std::int64_t lane = 0; lane < 10; ++lane) {
          steps.push_back(steps_at(step, lane));
        }
        pack.step(step, steps);
      }
    }

    for (std::int64_t lane = 0; lane < 10; ++lane) {
      LanePack alone(fixture.network, fixture.data, config::BatchNormMode::train,
                     {hypers[static_cast<std::size_t>(lane)]}, 1);
      alone.set_state(
          0, model::initial_state(fixture.network->layout(), static_cast<std::uint64_t>(lane), fixture.data->dtype()));
      for (std::int64_t step = 0; step < 12; ++step) {
        alone.step(step, {steps_at(step, lane)});
      }
      for (auto& pack : packs) {
        CHECK(test::same_bits(pack.state(lane).weights, alone.state(0).weights));
      }
    }
  }
}

TEST_CASE("A fork goes on as its parent would, and one extra step in a lane shows") {
  const Fixture fixture(config::Dtype::float32);
  auto pack = fixture.pack({hyper(0.1, 0.9), hyper(0.1, 0.9)});
  pack.step(0, {train_on({1, 2, 3}), LaneStep{}});

  pack.copy_lane(0, 1);
  for (std::int64_t step = 1; step < 6; ++step) {
    pack.step(step, {train_on({step, step + 9}), train_on({step, step + 9})});
  }

  CHECK(test::same_bits(pack.state(0).weights, pack.state(1).weights));
  pack.step(6, {LaneStep{}, train_on({4, 5})});
  CHECK_FALSE(test::same_bits(pack.state(0).weights, pack.state(1).weights));
}

TEST_CASE("One lane's NaN stays in its lane") {
  const Fixture fixture(config::Dtype::float32);
  auto pack = fixture.pack({hyper(0.1), hyper(0.1), hyper(0.1)});
  auto calm = fixture.pack({hyper(0.1), hyper(0.1), hyper(0.1)});

  pack.state(1).weights.fill_(std::numeric_limits<float>::quiet_NaN());
  for (std::int64_t step = 0; step < 8; ++step) {
    const auto batch = train_on({step, step + 9, step + 17});
    pack.step(step, {batch, batch, batch});
    calm.step(step, {batch, batch, batch});
  }

  CHECK_FALSE(torch::isfinite(pack.state(1).weights).all().item<bool>());
  CHECK(test::same_bits(pack.state(0).weights, calm.state(0).weights));
  CHECK(test::same_bits(pack.state(2).weights, calm.state(2).weights));
}

TEST_CASE("Gamma decays on the clock that a step is given") {
  const Fixture fixture;
  auto decaying = hyper(0.1, 0, 0, 4), halved = hyper(0.1, 0, 0, 2), whole = hyper(0.1, 0, 0, 4);
  decaying.loss.form.gamma_decay = 2;
  decaying.loss.form.gamma_decay_every = 3;
  decaying.loss.steps_per_epoch = 2;
  const auto after = [&](const Hyper& of, std::int64_t clock) {
    auto pack = fixture.pack({of});
    pack.step(clock, {train_on({1, 2, 3})});
    return pack.state(0).weights.clone();
  };

  CHECK(test::same_bits(after(decaying, 6), after(whole, 6)));
  CHECK(test::same_bits(after(decaying, 7), after(halved, 7)));
  CHECK_FALSE(test::same_bits(after(decaying, 7), after(whole, 7)));
}

TEST_CASE("Schedules follow the clock") {
  Hyper h = hyper(0.8);
  h.schedule = config::Schedule::step;
  h.schedule_every = 10;
  h.schedule_factor = 0.5;
  CHECK(h.lr_at(9) == 0.8);
  CHECK(h.lr_at(10) == 0.4);
  CHECK(h.lr_at(25) == Approx(0.2));
  h.schedule = config::Schedule::cosine;
  h.schedule_steps = 100;
  CHECK(h.lr_at(0) == Approx(0.8));
  CHECK(h.lr_at(50) == Approx(0.4));
  CHECK(h.lr_at(100) == Approx(0).margin(1e-15));
}

}  // namespace
}  // namespace unroll::learn
