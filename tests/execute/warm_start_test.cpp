// Warm starts of the eigenvalue solver follow measure.sigma_every alone (DESIGN 4.9).
#include "execute/laboratory.hpp"
#include "support/catch.hpp"

using namespace unroll;
using namespace unroll::execute;

namespace {

std::string ini_of(const std::string& measured_steps, const std::string& warm_start) {
  return R"([study]
name = warm-start
seeds = 0
[data]
dataset = optdigits
[model]
arch = mlp
hidden = 9
activation = tanh
dtype = float64
[train]
batch = 8
steps = 12
lr = 0.1
[measure]
sigma_every = 3
lanczos_tolerance = 1e-3
hessian = first:20
warm_start = )" +
         warm_start + "\nsteps = " + measured_steps + "\n";
}

/// The row of step 11, which is no multiple of sigma_every.
record::PairRow row_of(const std::string& measured_steps, const std::string& warm_start) {
  const auto set = test::small_set(60, {7}, 5);
  const auto outcome = Laboratory(set, ini_of(measured_steps, warm_start)).run(set);
  const auto row = std::find_if(outcome.pairs.begin(), outcome.pairs.end(), [](const auto& r) { return r.step == 11; });
  REQUIRE(row != outcome.pairs.end());
  return *row;
}

}  // namespace

TEST_CASE("Measuring at other steps changes no row, with warm starts") {
  const auto alone = row_of("11", "yes");

  const auto among_others = row_of("1, 2, 3, 7, 8, 10, 11, 12", "yes");

  CHECK(among_others.sigma == alone.sigma);
  CHECK(among_others.lambda_max == alone.lambda_max);
  CHECK(among_others.lambda_min == alone.lambda_min);
  CHECK(among_others.sigma_residual == alone.sigma_residual);
  CHECK(among_others.sigma_rolling == alone.sigma_rolling);
}

TEST_CASE("A warm start changes how sigma is found, not what it is") {
  const auto cold = row_of("11", "no");

  const auto warm = row_of("11", "yes");

  CHECK(warm.sigma_residual != cold.sigma_residual);
  CHECK(warm.sigma == Approx(cold.sigma).epsilon(2e-3));
  CHECK(warm.sigma_rolling == Approx(cold.sigma_rolling).epsilon(2e-3));
}
