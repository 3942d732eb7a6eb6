#include "unroll/model/loss.hpp"

#include <torch/csrc/autograd/autograd.h>

#include "support/catch.hpp"
#include "support/tensors.hpp"

namespace unroll::model {
namespace {

torch::Tensor autograd_gradient(const torch::Tensor& logits, const torch::Tensor& labels, const LossSpec& spec) {
  const auto z = logits.detach().clone().requires_grad_();
  return torch::autograd::grad({loss(z, labels, spec)}, {z})[0];
}

torch::Tensor closed_gradient(const torch::Tensor& logits, const torch::Tensor& labels, const LossSpec& spec) {
  auto z = logits.clone();
  kernel::logit_gradient(labels.data_ptr<std::int64_t>(), z.size(0), z.size(1), spec, z.data_ptr<double>());
  return z;
}

TEST_CASE("The loss is cross-entropy plus gamma times the published S") {
  const auto z = torch::tensor({{1.0, 2.0, 4.0}, {0.5, 0.5, -1.0}}, torch::kFloat64);
  const auto labels = torch::tensor({2, 0}, torch::kInt64);
  const double ce = -(4 - std::log(std::exp(1.0) + std::exp(2.0) + std::exp(4.0))) -
                    (0.5 - std::log(2 * std::exp(0.5) + std::exp(-1.0)));
  const double std_sum =
      std::sqrt(((1 - 7 / 3.0) * (1 - 7 / 3.0) + (2 - 7 / 3.0) * (2 - 7 / 3.0) + (4 - 7 / 3.0) * (4 - 7 / 3.0)) / 2) +
      std::sqrt((0.25 + 0.25 + 1.0) / 2);

  CHECK(loss(z, labels, {0, 2}).item<double>() == Approx(ce / 2).epsilon(1e-14));
  CHECK(loss(z, labels, {5, 2}).item<double>() == Approx(ce / 2 + 5 * std_sum / 6).epsilon(1e-14));
  CHECK(loss(z, labels, {5, 4}).item<double>() == Approx(ce / 4 + 5 * std_sum / 12).epsilon(1e-14));
}

TEST_CASE("The mean SD loss is the published one with gamma times the number of classes") {
  const auto z = test::normal({6, 10}, 1, torch::kFloat64);
  const auto labels = test::labels({6}, 10, 2);
  const LossSpec mean{5, 6, config::LossKind::sd, config::SdForm::mean}, published{50, 6};

  CHECK(loss(z, labels, mean).item<double>() == Approx(loss(z, labels, published).item<double>()).epsilon(1e-15));
  const double second = loss(z, labels, mean).item<double>() - loss(z, labels, {0, 6}).item<double>();
  CHECK(second == Approx(5 * z.std(1).mean().item<double>()).epsilon(1e-13));
}

TEST_CASE("The hess loss adds gamma times the trace of cross-entropy's Hessian in the logits") {
  const auto z = test::normal({4, 5}, 1, torch::kFloat64);
  const auto labels = test::labels({4}, 5, 2);
  const auto leaf = z.clone().requires_grad_();
  const auto slope = torch::autograd::grad({loss(leaf, labels, {0, 1})}, {leaf}, {}, true, true)[0];
  double trace = 0;
  for (std::int64_t i = 0; i < 4; ++i) {
    for (std::int64_t c = 0; c < 5; ++c) {
      trace += torch::autograd::grad({slope[i][c]}, {leaf}, {}, true)[0][i][c].item<double>();
    }
  }

  const double ce = loss(z, labels, {0, 8}).item<double>();
  CHECK(loss(z, labels, {3, 8, config::LossKind::hess}).item<double>() == Approx(ce + 3 * trace / 8).epsilon(1e-14));
}

TEST_CASE("Gamma is divided after the first step of every tenth epoch, on M's clock") {
  config::Settings settings;
  settings.loss = {config::LossKind::sd, 8, config::SdForm::published, 2, 10};
  const auto loss = training_loss(settings, 7);

  for (const std::int64_t step : {0, 1, 69, 70}) {
    CHECK(loss.gamma_at(step) == 8);
  }
  CHECK(loss.gamma_at(71) == 4);
  CHECK(loss.gamma_at(140) == 4);
  CHECK(loss.gamma_at(141) == 2);
  CHECK(loss.at(141, 32).gamma == 2);
}

TEST_CASE("Weight decay is a part of the loss only where it is asked for") {
  config::Settings settings;
  settings.train.weight_decay = 0.25;

  CHECK(training_loss(settings, 1).l2 == 0);
  settings.train.l2_in = config::L2In::loss;
  CHECK(training_loss(settings, 1).l2 == 0.25);
}

const std::vector<LossSpec> kSpecs{{0, 6},
                                   {5, 6},
                                   {50, 8},
                                   {5, 8, config::LossKind::sd, config::SdForm::mean},
                                   {5, 8, config::LossKind::hess},
                                   {5, 8, config::LossKind::ce}};

TEST_CASE("The closed gradient equals autograd's and finite differences, for every loss") {
  const auto z = test::normal({6, 10}, 1, torch::kFloat64);
  const auto labels = test::labels({6}, 10, 2);
  for (const LossSpec& spec : kSpecs) {
    const auto closed = closed_gradient(z, labels, spec);

    CHECK(test::apart(closed, autograd_gradient(z, labels, spec)) < 1e-14);
    for (const std::int64_t c : {0, 4, 9}) {
      auto up = z.clone(), down = z.clone();
      up[2][c] += 1e-5;
      down[2][c] -= 1e-5;
      const double slope = (loss(up, labels, spec) - loss(down, labels, spec)).item<double>() / 2e-5;
      CHECK(closed[2][c].item<double>() == Approx(slope).epsilon(1e-7).margin(1e-9));
    }
  }
}

TEST_CASE("The closed second derivative along a direction equals autograd's, for every loss") {
  const auto z = test::normal({6, 10}, 1, torch::kFloat64), direction = test::normal({6, 10}, 5, torch::kFloat64);
  const auto labels = test::labels({6}, 10, 2);
  for (const LossSpec& spec : kSpecs) {
    const auto leaf = z.clone().requires_grad_();
    const auto gradient = torch::autograd::grad({loss(leaf, labels, spec)}, {leaf}, {}, true, true)[0];
    const auto expected = torch::autograd::grad({(gradient * direction).sum()}, {leaf})[0];
    auto closed = direction.clone();
    kernel::logit_curvature(z.data_ptr<double>(), 6, 10, spec, closed.data_ptr<double>());

    CHECK(test::apart(closed, expected) < 1e-14);
  }
}

TEST_CASE("Rows of equal logits have a defined, finite SD loss, gradient and second derivative") {
  auto z = test::normal({3, 5}, 3, torch::kFloat64);
  z[1].fill_(0.75);
  const auto labels = test::labels({3}, 5, 4);
  const LossSpec spec{7, 3};

  const auto closed = closed_gradient(z, labels, spec);
  const auto leaf = z.clone().requires_grad_();
  const auto gradient = torch::autograd::grad({loss(leaf, labels, spec)}, {leaf}, {}, true, true)[0];
  const auto second = torch::autograd::grad({gradient.square().sum()}, {leaf})[0];

  CHECK(torch::isfinite(closed).all().item<bool>());
  CHECK(torch::isfinite(second).all().item<bool>());
  CHECK(test::apart(closed, gradient) < 1e-14);
  CHECK(test::apart(closed[1], autograd_gradient(z, labels, {0, 3})[1]) < 1e-14);  // nothing from the SD term there
}

}  // namespace
}  // namespace unroll::model
