// The departures that BatchNorm makes: statistics that stand still after some steps of M, and statistics that the
// listed gradients' forward passes move.
#include "execute/laboratory.hpp"
#include "execute/moved_statistics.hpp"
#include "support/catch.hpp"
#include "support/tensors.hpp"

namespace unroll::execute {
namespace {

struct Fixture {
  std::shared_ptr<const data::ResidentData> data =
      std::make_shared<const data::ResidentData>(images(12), config::Dtype::float64);
  std::shared_ptr<const model::Network> network;
  learn::Hyper hyper;

  Fixture() {
    config::Settings::Model model;
    model.arch = config::Arch::resnet18;
    network = model::make_network(model, {3, 25, 25}, 10);
    hyper.lr = 0.01;
  }
  [[nodiscard]] learn::LanePack pack(model::BatchNormUse use, const model::State& from) const {
    learn::LanePack made(network, data, use, {hyper}, 1);
    made.set_state(0, from);
    return made;
  }
  [[nodiscard]] model::State start() const { return model::initial_state(network->layout(), 1, torch::kFloat64); }
  void forward(const torch::Tensor& weights, const torch::Tensor& buffers,
               const std::vector<std::int64_t>& rows) const {
    const torch::NoGradGuard no_grad;
    (void)network->logits(network->views(weights), buffers, data->inputs(data::Part::train, rows),
                          model::Statistics::update);
  }
};

learn::LaneStep train_on(std::vector<std::int64_t> rows) {
  const auto count = static_cast<double>(rows.size());
  return {learn::Action::train, std::make_shared<const std::vector<std::int64_t>>(std::move(rows)), count};
}

model::State copy_of(const model::State& state) { return {state.weights.clone(), state.buffers.clone()}; }

TEST_CASE("With eval-after a step before its number trains as usual, and later ones as with frozen statistics") {
  const Fixture f;
  config::Settings::Model model;
  model.batchnorm = config::BatchNormMode::eval_after;
  model.batchnorm_steps = 1;
  auto departed = f.pack(model, f.start()), usual = f.pack(config::BatchNormMode::train, f.start());
  departed.step(0, {train_on({0, 1, 2})});
  usual.step(0, {train_on({0, 1, 2})});
  CHECK(test::same_bits(departed.state(0).weights, usual.state(0).weights));
  CHECK(test::same_bits(departed.state(0).buffers, usual.state(0).buffers));
  auto frozen = f.pack(config::BatchNormMode::frozen, copy_of(departed.state(0)));

  for (auto* pack : {&departed, &usual, &frozen}) {
    pack->step(1, {train_on({3, 4, 5})});
  }

  CHECK(test::same_bits(departed.state(0).weights, frozen.state(0).weights));
  CHECK(test::same_bits(departed.state(0).buffers, frozen.state(0).buffers));
  CHECK(test::apart(departed.state(0).weights, usual.state(0).weights) > 1e-3);
  CHECK(test::apart(departed.state(0).buffers, usual.state(0).buffers) > 1e-3);
}

TEST_CASE("Moved statistics are those of an M that takes the forgotten rows once more after each touched step") {
  const Fixture f;
  auto pack = f.pack(config::BatchNormMode::train, f.start());
  const auto buffers = f.start().buffers;  // of the M that is moved
  MovedStatistics moved;
  double before = 0;

  for (std::int64_t step = 0; step < 4; ++step) {
    const std::vector<std::int64_t> batch{3 * step % 9, 3 * step % 9 + 1, 3 * step % 9 + 2};
    const auto forgotten = step == 1 ? std::vector<std::int64_t>{3, 5} : std::vector<std::int64_t>{};
    f.forward(pack.state(0).weights, buffers, batch);
    pack.step(step, {train_on(batch)});
    if (!forgotten.empty()) {
      f.forward(pack.state(0).weights, buffers, forgotten);
    }
    moved.after_step(*f.network, *f.data, pack.state(0), forgotten);

    const auto state = moved.of(pack.state(0));
    CHECK(test::apart(state.buffers, buffers) < 1e-12);
    CHECK(test::same_bits(state.weights, pack.state(0).weights));
    const double apart = (state.buffers - pack.state(0).buffers).norm().item<double>();
    CHECK((step == 0 ? apart == 0 : apart > 1e-3));
    CHECK((step < 2 || apart == Approx(0.9 * before).epsilon(1e-9)));
    before = apart;
  }
}

}  // namespace
}  // namespace unroll::execute
