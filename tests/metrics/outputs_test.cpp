#include "unroll/metrics/outputs.hpp"

#include "support/catch.hpp"
#include "support/tensors.hpp"

namespace unroll::metrics {
namespace {

TEST_CASE("Accuracy and loss of hand-made logits") {
  const auto logits = torch::log(torch::tensor({{0.7, 0.2, 0.1}, {0.25, 0.25, 0.5}}, torch::kFloat64));
  const auto labels = torch::tensor({0, 1}, torch::kInt64);

  const auto result = prediction(probabilities(logits), labels);

  CHECK(result.accuracy == 0.5);
  CHECK(result.loss == Approx(-(std::log(0.7) + std::log(0.25)) / 2).epsilon(1e-14));
  CHECK(std::isnan(prediction(probabilities(logits.narrow(0, 0, 0)), labels.narrow(0, 0, 0)).accuracy));
}

TEST_CASE("Output distances of hand-made distributions") {
  const auto p = torch::log(torch::tensor({{0.5, 0.5}, {0.9, 0.1}}, torch::kFloat64));
  const auto q = torch::log(torch::tensor({{0.25, 0.75}, {0.9, 0.1}}, torch::kFloat64));

  const auto distance = output_distance(probabilities(p), probabilities(q));

  const double kl = 0.5 * std::log(0.5 / 0.25) + 0.5 * std::log(0.5 / 0.75);
  const double js = 0.5 * (0.5 * std::log(0.5 / 0.375) + 0.5 * std::log(0.5 / 0.625)) +
                    0.5 * (0.25 * std::log(0.25 / 0.375) + 0.75 * std::log(0.75 / 0.625));
  CHECK(distance.kl == Approx(kl / 2).epsilon(1e-13));
  CHECK(distance.js == Approx(js / 2).epsilon(1e-13));
  CHECK(distance.logits_l2 == Approx(std::hypot(std::log(2.0), std::log(1.5)) / 2).epsilon(1e-13));
}

TEST_CASE("Equal outputs are exactly 0 apart; opposite certainties stay finite and at most ln 2") {
  const auto logits = 5 * test::normal({7, 4}, 1, torch::kFloat32);
  const auto same = output_distance(probabilities(logits), probabilities(logits));
  const auto sure = torch::tensor({{2000.0, 0.0}}, torch::kFloat64);
  const auto opposite = output_distance(probabilities(sure), probabilities(-sure));

  CHECK(same.kl == 0);
  CHECK(same.logits_l2 == 0);
  CHECK(std::abs(same.js) < 1e-15);
  CHECK(opposite.js <= std::log(2.0));
  CHECK(opposite.js == Approx(std::log(2.0)).epsilon(1e-12));
  CHECK(std::isfinite(opposite.kl));
}

TEST_CASE("Logits that are not finite are said to be so") {
  CHECK(probabilities(torch::tensor({{1.0, 2.0}})).is_finite);
  CHECK_FALSE(probabilities(torch::tensor({{1.0, std::nan("")}})).is_finite);
  CHECK_FALSE(probabilities(torch::tensor({{1.0, HUGE_VAL}})).is_finite);
}

}  // namespace
}  // namespace unroll::metrics
