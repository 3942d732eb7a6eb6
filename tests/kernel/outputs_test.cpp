#include "unroll/kernel/outputs.hpp"

#include <cmath>
#include <vector>

#include "support/catch.hpp"
#include "unroll/base/random.hpp"

namespace unroll::kernel {
namespace {

struct Outputs {
  std::vector<double> logits, p, log_p;

  Outputs(std::int64_t rows, std::int64_t classes, double scale, std::uint64_t seed) {
    const RandomStream stream(seed, "test");
    for (std::int64_t i = 0; i < rows * classes; ++i) {
      logits.push_back(scale * stream.normal(0, static_cast<std::uint64_t>(i)));
    }
    p.resize(logits.size());
    log_p.resize(logits.size());
    softmax(logits.data(), rows, classes, p.data(), log_p.data());
  }
  [[nodiscard]] RowsOfOutputs rows() const { return {logits.data(), p.data(), log_p.data()}; }
};

TEST_CASE("Softmax and its logarithm are those of the definition, for likely and unlikely classes") {
  for (const std::int64_t classes : {2, 10, 17, 100}) {
    for (const double scale : {1.0, 30.0, 300.0}) {
      const Outputs of(20, classes, scale, 1);
      const auto width = static_cast<std::size_t>(classes);
      for (std::size_t row = 0; row < of.p.size(); row += width) {
        long double top = of.logits[row], sum = 0;
        for (std::size_t c = 0; c < width; ++c) {
          top = std::max<long double>(top, of.logits[row + c]);
        }
        for (std::size_t c = 0; c < width; ++c) {
          sum += std::exp(of.logits[row + c] - top);
        }
        for (std::size_t c = 0; c < width; ++c) {
          const long double log_p = of.logits[row + c] - top - std::log(sum);
          CHECK(of.log_p[row + c] == Approx(static_cast<double>(log_p)).epsilon(1e-15).margin(1e-13));
          CHECK(of.p[row + c] == Approx(static_cast<double>(std::exp(log_p))).epsilon(1e-13).margin(1e-300));
        }
      }
    }
  }
}

TEST_CASE("Sums of output distances are those of the definition") {
  for (const std::int64_t classes : {2, 10, 17, 100}) {
    for (const double scale : {0.1, 3.0, 500.0}) {
      const Outputs one(20, classes, scale, 1), two(20, classes, scale, 2);
      long double kl = 0, js = 0, l2 = 0;
      for (std::size_t row = 0; row < one.p.size(); row += static_cast<std::size_t>(classes)) {
        long double square = 0;
        for (std::size_t i = row; i < row + static_cast<std::size_t>(classes); ++i) {
          const long double p = one.p[i], q = two.p[i], mean = (p + q) / 2;
          kl += p > 0 ? p * (one.log_p[i] - static_cast<long double>(two.log_p[i])) : 0;
          js += p > 0 ? p * (one.log_p[i] - std::log(mean)) / 2 : 0;
          js += q > 0 ? q * (two.log_p[i] - std::log(mean)) / 2 : 0;
          square += std::pow(static_cast<long double>(one.logits[i]) - two.logits[i], 2);
        }
        l2 += std::sqrt(square);
      }

      const auto sums = output_sums(one.rows(), two.rows(), 20, classes);

      CHECK(sums.kl == Approx(static_cast<double>(kl)).epsilon(1e-12));
      CHECK(sums.js == Approx(static_cast<double>(js)).epsilon(1e-12));
      CHECK(sums.logits_l2 == Approx(static_cast<double>(l2)).epsilon(1e-13));
    }
  }
}

TEST_CASE("A model is at no distance from itself") {
  const Outputs of(33, 10, 5, 1);
  const auto sums = output_sums(of.rows(), of.rows(), 33, 10);
  CHECK(sums.kl == 0);
  CHECK(sums.js == 0);
  CHECK(sums.logits_l2 == 0);
}

}  // namespace
}  // namespace unroll::kernel
