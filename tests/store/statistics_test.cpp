#include "statistics.hpp"

#include <cmath>

#include "report_text.hpp"
#include "support/catch.hpp"

namespace unroll::store {
namespace {

TEST_CASE("a t-interval is that of the textbook") {
  const std::vector<double> values = {4, 5, 6, 7, 8};  // mean 6, s^2 = 2.5, t(4, 0.975) = 2.776445

  const Estimate estimate = mean_of(values);

  CHECK(estimate.num_seeds == 5);
  CHECK(estimate.mean == 6);
  CHECK(estimate.low == Approx(6 - 2.7764451 * std::sqrt(2.5 / 5)).epsilon(1e-6));
  CHECK(estimate.high == Approx(6 + 2.7764451 * std::sqrt(2.5 / 5)).epsilon(1e-6));
}

TEST_CASE("one value has no interval and none has no mean") {
  CHECK(mean_of(std::vector<double>{3}).mean == 3);
  CHECK(std::isnan(mean_of(std::vector<double>{3}).low));
  CHECK(std::isnan(mean_of(std::vector<double>{}).mean));
}

TEST_CASE("a geometric mean asks for positive values") {
  CHECK(geometric_mean_of(std::vector<double>{1, 100})->mean == Approx(10));
  CHECK(!geometric_mean_of(std::vector<double>{1, 0}));
  CHECK(!geometric_mean_of(std::vector<double>{}));
}

TEST_CASE("Pearson's r and its interval agree with a worked example") {
  const std::vector<double> x = {1, 2, 3, 4, 5};
  const std::vector<double> y = {2, 1, 4, 3, 5};  // r = 0.8

  const std::optional<Correlation> r = pearson(x, y);

  REQUIRE(r);
  CHECK(r->r == Approx(0.8));
  CHECK(r->low == Approx(std::tanh(std::atanh(0.8) - 1.959964 / std::sqrt(2))));
  CHECK(r->high == Approx(std::tanh(std::atanh(0.8) + 1.959964 / std::sqrt(2))));
}

TEST_CASE("an interval of r = 0.5 at 10 and at 100 seeds is as wide as known") {
  // METHODS, read this first, 6: [-0.19, 0.86] and [0.34, 0.63].
  const auto interval = [](int half) {
    // (1, 1), (-1, -1) and (1, -1), (-1, 1) in the ratio 3 : 1 give r = 0.5 exactly, when n is a multiple of 8.
    std::vector<double> x, y;
    for (int i = 0; i < half; ++i) {
      x.insert(x.end(), {1, -1});
      y.insert(y.end(), i % 4 == 3 ? std::initializer_list<double>{-1, 1} : std::initializer_list<double>{1, -1});
    }
    return *pearson(x, y);
  };

  CHECK(interval(52).r == Approx(0.5));
  CHECK(interval(52).low == Approx(0.34).margin(0.01));
  CHECK(interval(52).high == Approx(0.63).margin(0.01));
}

TEST_CASE("Spearman's rho sees ranks only and shares tied ones") {
  const std::vector<double> x = {1, 10, 100, 1000, 10000};
  const std::vector<double> y = {1, 2, 3, 4, 5};

  CHECK(spearman(x, y)->r == Approx(1));
  CHECK(spearman(std::vector<double>{1, 1, 2, 2}, std::vector<double>{1, 1, 2, 2})->r == Approx(1));
  CHECK(spearman(std::vector<double>{1, 2, 2, 3}, std::vector<double>{1, 2, 3, 4})->r ==
        Approx(4.5 / std::sqrt(4.5 * 5)));
}

TEST_CASE("fewer than four seeds, or a constant side, give no correlation") {
  CHECK(!pearson(std::vector<double>{1, 2, 3}, std::vector<double>{1, 2, 3}));
  CHECK(!pearson(std::vector<double>{1, 1, 1, 1}, std::vector<double>{1, 2, 3, 4}));
  CHECK(!spearman(std::vector<double>{1, 2, 3, 4}, std::vector<double>{2, 2, 2, 2}));
}

TEST_CASE("means and intervals are printed with one exponent") {
  CHECK(interval_text({10, 1.234e-3, 1.1e-3, 1.4e-3}) == "1.23 [1.10, 1.40]e-03");
  CHECK(interval_text({10, 9.999e-4, 9e-4, 1.1e-3}) == "1.00 [0.90, 1.10]e-03");
  CHECK(interval_text({10, 0.25, 0.2, 0.3}) == "2.50 [2.00, 3.00]e-01");
  CHECK(plain_interval_text({10, 0.25, 0.2, 0.3}) == "0.250 [0.200, 0.300]");
  CHECK(plain_interval_text({10, 42.04, 40, 44}) == "42.0 [40.0, 44.0]");
  CHECK(plain_interval_text({10, 1.234e-3, 1.1e-3, 1.4e-3}) == "1.23 [1.10, 1.40]e-03");
  CHECK(interval_text({10, 0, 0, 0}) == "0");
  CHECK(interval_text({1, 2, NAN, NAN}) == "2.00e+00");
  CHECK(interval_text({0, NAN, NAN, NAN}) == "-");
  CHECK(percent_text({10, 0.951, 0.947, 0.955}) == "95.1 +-0.4");
  CHECK(correlation_text(Correlation{10, 0.5, -0.19, 0.86}) == "+0.50 [-0.19, +0.86]");
  CHECK(correlation_text(std::nullopt) == "-");
}

}  // namespace
}  // namespace unroll::store
