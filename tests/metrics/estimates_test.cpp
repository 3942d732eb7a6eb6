#include "unroll/metrics/estimates.hpp"

#include <cmath>

#include "support/catch.hpp"

namespace unroll::metrics {
namespace {

TEST_CASE("Every variant of the unlearning error by hand") {
  const Curvature curvature{9, 3, 5, 2};

  const auto errors = unlearning_errors(0.1, 11, 2, curvature);

  CHECK(errors[0] == Approx(0.01 * 10 * 0.5 * 2 * 9));
  CHECK(record::unlearning_error_name(0) == "unlearning_error");
  CHECK(errors[8] == Approx(0.01 * 10 * 0.5 * 2 * 3));
  CHECK(record::unlearning_error_name(8) == "unlearning_error_published");
  for (int index = 0; index < record::kNumUnlearningErrors; ++index) {
    const std::string name(record::unlearning_error_name(index));
    const bool is_default = index == 0 || index == 8;
    const bool is_sqrt = index >= 8;
    const auto has = [&](const char* part) { return name.find(part) != std::string::npos; };
    if (!is_default) {
      CHECK(has("sqrt") == is_sqrt);
    }
    const double sigma = is_sqrt ? (has("rolling") ? 2 : 3) : (has("rolling") ? 5 : 9);
    const double half = has("full") ? 1 : 0.5;
    const double rate = has("eta1") ? 0.1 : 0.01;
    CHECK(errors[static_cast<std::size_t>(index)] == Approx(rate * 10 * half * 2 * sigma));
  }
}

TEST_CASE("Nothing was trained at T = 0, and one step has nothing after it") {
  const double nan = record::kUndefined;
  for (const double error : unlearning_errors(0.1, 0, 0, {nan, nan, nan, nan})) {
    CHECK(error == 0);
  }
  for (const double error : unlearning_errors(0.1, 1, 2, {1, 1, 1, 1})) {
    CHECK(error == 0);
  }
}

TEST_CASE("The growth bound is the product minus one, without cancellation") {
  CHECK(growth_bound(2, {0.5, 0.25}) == Approx(2 * (1.5 * 1.25 - 1)).epsilon(1e-14));
  CHECK(growth_bound(3, {}) == 0);
  CHECK(growth_bound(1, {1e-12, 1e-12}) == Approx(2e-12).epsilon(1e-9));
}

}  // namespace
}  // namespace unroll::metrics
