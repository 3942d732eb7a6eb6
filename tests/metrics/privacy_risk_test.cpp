// Privacy risk scores against the definition of Song and Mittal, and against the published variant (METHODS A7, A9).
#include "unroll/metrics/privacy_risk.hpp"

#include <torch/torch.h>

#include <cmath>

#include "support/catch.hpp"

using namespace unroll;
using namespace unroll::metrics;
using config::PrsBins;
using config::PrsScores;

namespace {

torch::Tensor labels_of(std::vector<std::int64_t> labels) { return torch::tensor(labels, torch::kInt64); }

}  // namespace

TEST_CASE("The modified entropy is that of Song and Mittal on the softmax") {
  const auto p = torch::tensor({{0.7, 0.2, 0.1}, {0.7, 0.2, 0.1}, {1.0 / 3, 1.0 / 3, 1.0 / 3}}, torch::kFloat64);
  const auto entropy = modified_entropy(probabilities(p.log()), labels_of({0, 1, 2}), PrsScores::softmax);
  CHECK(entropy[0] == Approx(-(0.3 * std::log(0.7) + 0.2 * std::log(0.8) + 0.1 * std::log(0.9))).epsilon(1e-12));
  CHECK(entropy[1] == Approx(-(0.8 * std::log(0.2) + 0.7 * std::log(0.3) + 0.1 * std::log(0.9))).epsilon(1e-12));
  CHECK(entropy[2] == Approx(-4.0 / 3 * std::log(2.0 / 3) * 0.5 - 2.0 / 3 * std::log(1.0 / 3)).epsilon(1e-12));
}

TEST_CASE("A certain right answer has entropy 0, a certain wrong one that of the clamped logarithm") {
  const auto logits = torch::tensor({{2000.0, 0.0}, {2000.0, 0.0}}, torch::kFloat64);
  const auto entropy = modified_entropy(probabilities(logits), labels_of({0, 1}), PrsScores::softmax);
  CHECK(entropy[0] == 0.0);
  CHECK(entropy[1] == Approx(-2 * std::log(1e-30)).epsilon(1e-12));
}

TEST_CASE("As published the modified entropy takes raw logits for probabilities") {
  // METHODS A7: (z_y - 1) log z_y, and a clamped logarithm of 69.08 for every other logit above 1.
  const auto logits = torch::tensor({{9.0, -2.0, 0.0}, {3.0, 2.0, -4.0}, {-1.0, 5.0, 0.5}}, torch::kFloat64);
  const auto entropy = modified_entropy(probabilities(logits), labels_of({0, 0, 0}), PrsScores::logits);
  const double clamped = -std::log(1e-30);
  CHECK(clamped == Approx(69.08).epsilon(1e-4));
  CHECK(entropy[0] == Approx(8 * std::log(9.0) + 2 * std::log(3.0)).epsilon(1e-12));
  CHECK(entropy[1] == Approx(2 * std::log(3.0) + 2 * clamped + 4 * std::log(5.0)).epsilon(1e-12));
  CHECK(entropy[2] == Approx(2 * clamped + 5 * clamped + 0.5 * std::log(2.0)).epsilon(1e-12));
  const auto softmax = modified_entropy(probabilities(logits), labels_of({0, 0, 0}), PrsScores::softmax);
  CHECK(softmax[0] < 1e-3);
  CHECK(entropy[0] > 19);
}

TEST_CASE("A row that is not finite has no entropy, no risk and no count") {
  const auto logits = torch::tensor({{double{NAN}, 0.0}, {1.0, 0.0}}, torch::kFloat64);
  const auto entropy = modified_entropy(probabilities(logits), labels_of({0, 0}), PrsScores::softmax);
  CHECK(std::isnan(entropy[0]));
  CHECK(std::isfinite(entropy[1]));
  const RiskTable table({{1, 2}, {0, 0}}, {{3, 4}, {0, 0}}, 1, PrsBins::shared);
  CHECK(std::isnan(table.risk(entropy[0], 0)));
  CHECK(risk_counts(std::vector<double>{NAN, 0.0, 0.05, 0.1, 1.0}) ==
        std::vector<std::int64_t>{2, 1, 0, 0, 0, 0, 0, 0, 0, 1});
}

TEST_CASE("Shared bins give the share of members in a bin, each set counted as a whole") {
  // Bins of one class: 1, 10, 100, 1e3, 1e4, 1e5. Members: two in the first bin, one in the second, one in the last.
  const ScoredRows members{{1, 2, 50, 1e5}, {0, 0, 0, 0}};
  const ScoredRows others{{20, 5}, {0, 0}};
  const RiskTable table(members, others, 2, PrsBins::shared);
  CHECK(table.risk(3, 0) == Approx(0.5 / (0.5 + 0.5)));     // 2/4 of the members, 1/2 of the others
  CHECK(table.risk(30, 0) == Approx(0.25 / (0.25 + 0.5)));  // 1/4 and 1/2
  CHECK(table.risk(1e7, 0) == 1.0);                         // beyond the last edge: the last bin
  CHECK(table.risk(1e-3, 0) == Approx(0.5));                // before the first: the first
  SECTION("An empty bin takes the nearest that is not, the lower one first") {
    CHECK(table.risk(500, 0) == Approx(0.25 / 0.75));  // bin 2 is empty, bin 1 is not, though bin 3 is empty too
    CHECK(table.risk(5000, 0) == 1.0);                 // bin 3: 2 is empty, 4 is not
  }
  SECTION("A class without examples of the shadow model has no risk") { CHECK(std::isnan(table.risk(3, 1))); }
}

TEST_CASE("Values below 1e-10 share the first bin of the shared ones") {
  const RiskTable table({{0, 1e-12}, {0, 0}}, {{1, 1}, {0, 0}}, 1, PrsBins::shared);
  CHECK(table.risk(0, 0) == 1.0);
  CHECK(table.risk(1, 0) == 0.0);
}

TEST_CASE("As published each set has bins of its own, and empty ones give no risk") {
  // Members over [0, 10], others over [100, 110]: bins that do not correspond are compared (METHODS A9).
  const ScoredRows members{{0, 0.5, 10}, {0, 0, 0}};
  const ScoredRows others{{100, 110}, {0, 0}};
  const RiskTable own(members, others, 1, PrsBins::own);
  CHECK(own.risk(0.2, 0) == Approx((2.0 / 3) / (2.0 / 3 + 0.5)));  // first bins of both
  CHECK(own.risk(10, 0) == Approx((1.0 / 3) / (1.0 / 3 + 0.5)));   // the members' last, the others' first
  CHECK(own.risk(110, 0) == Approx((1.0 / 3) / (1.0 / 3 + 0.5)));  // last of both
  CHECK(own.risk(105, 0) == 1.0);                                  // the members' last, an empty one of the others
  CHECK(own.risk(50, 0) == Approx((1.0 / 3) / (1.0 / 3 + 0.5)));
  const RiskTable gap({{0, 10}, {0, 0}}, {{0, 10}, {0, 0}}, 1, PrsBins::own);
  CHECK(std::isnan(gap.risk(5, 0)));
  const RiskTable shared(members, others, 1, PrsBins::shared);
  CHECK(shared.risk(1e-9, 0) == 1.0);
  CHECK(shared.risk(110, 0) == Approx((2.0 / 3) / (2.0 / 3 + 1)));
}
