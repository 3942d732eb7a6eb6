#include "unroll/learn/curvature.hpp"

#include "learn/vectors.hpp"
#include "support/catch.hpp"
#include "support/tensors.hpp"
#include "unroll/base/block_sum.hpp"

namespace unroll::learn {
namespace {

/// A symmetric map with the given eigenvalues in a random orthogonal basis.
SymmetricMap map_with(const std::vector<double>& eigenvalues) {
  const auto n = static_cast<std::int64_t>(eigenvalues.size());
  const auto basis = std::get<0>(torch::linalg_qr(test::normal({n, n}, 11, torch::kFloat64)));
  const auto matrix = torch::matmul(basis * torch::tensor(eigenvalues, torch::kFloat64), basis.t());
  return [matrix](const torch::Tensor& v) { return torch::matmul(matrix, v); };
}

std::vector<double> bulk(std::vector<double> ends) {
  for (int i = 0; i < 56; ++i) {
    ends.push_back(std::sin(i));  // in [-1, 1]
  }
  return ends;
}

TEST_CASE("Lanczos finds both ends of a spectrum whose dominant eigenvalue is negative") {
  const auto map = map_with(bulk({-7, 4, 3.9}));

  const auto spectrum = lanczos(map, start_vector(1, 59, torch::kFloat64), {30});

  CHECK(spectrum.lambda_min == Approx(-7).epsilon(1e-9));
  CHECK(spectrum.lambda_max == Approx(4).epsilon(1e-5));
  CHECK(spectrum.dominant == Approx(-7).epsilon(1e-9));
  CHECK(spectrum.residual < 1e-4);
  CHECK(spectrum.converged);
}

TEST_CASE("Two eigenvalues that tie in size: Lanczos takes the positive one, power iteration says it did not settle") {
  const auto map = map_with(bulk({-5, 5}));

  const auto both = lanczos(map, start_vector(2, 58, torch::kFloat64), {30});
  const auto power = power_iteration(map, start_vector(2, 58, torch::kFloat64), 100, 1e-3);

  CHECK(both.lambda_max == Approx(5).epsilon(1e-9));
  CHECK(both.lambda_min == Approx(-5).epsilon(1e-9));
  CHECK(both.dominant == Approx(5).epsilon(1e-9));
  CHECK(power.residual > 0.1);  // the Rayleigh quotient of a mixture of the two
}

TEST_CASE("The Ritz residual is the residual") {
  const auto map = map_with(bulk({6, 5.5}));
  const auto spectrum = lanczos(map, start_vector(3, 58, torch::kFloat64), {8});

  const auto exact = lanczos(map, start_vector(3, 58, torch::kFloat64), {58});

  CHECK(exact.dominant == Approx(6).epsilon(1e-12));
  CHECK(std::abs(spectrum.dominant - 6) / 6 <= spectrum.residual);
  CHECK(exact.residual < 1e-8);
}

TEST_CASE("Power iteration gives the previous Rayleigh quotient, signed, as PyHessian does") {
  const auto map = map_with(bulk({-9}));
  const auto start = start_vector(4, 57, torch::kFloat64);

  const auto spectrum = power_iteration(map, start, 100, 1e-3);

  CHECK(spectrum.converged);
  CHECK(spectrum.dominant == Approx(-9).epsilon(1e-2));
  CHECK(spectrum.lambda_min == spectrum.dominant);
  CHECK(std::isnan(spectrum.lambda_max));
  auto v = start / start.norm();  // by hand, one product fewer than the stopping rule looked at
  double lambda = 0;
  for (std::int64_t i = 0; i + 1 < spectrum.num_products; ++i) {
    const auto product = map(v);
    lambda = torch::dot(v, product).item<double>();
    v = product / product.norm();
  }
  CHECK(spectrum.dominant == Approx(lambda).epsilon(1e-12));
}

TEST_CASE("An invariant subspace ends Lanczos early with the exact answer") {
  const auto map = map_with({2, 2, 2, -1, -1, -1});

  const auto spectrum = lanczos(map, start_vector(5, 6, torch::kFloat64), {6});

  CHECK(spectrum.num_products == 2);
  CHECK(spectrum.lambda_max == Approx(2).epsilon(1e-12));
  CHECK(spectrum.lambda_min == Approx(-1).epsilon(1e-12));
}

/// Ends that stand out of a bulk near 0, as in the Hessians of networks.
std::vector<double> outliers(std::vector<double> ends) {
  for (int i = 0; i < 400; ++i) {
    ends.push_back(0.3 * std::sin(i) * std::sin(i));
  }
  return ends;
}

TEST_CASE("Lanczos stops once the value is known to its tolerance, before the vector is") {
  const std::vector<double> spectra[] = {outliers({10, 6, 5, -2}), outliers({10, 9, 8.5, 8}), outliers({-10, 9, 3})};
  for (std::size_t i = 0; i < std::size(spectra); ++i) {
    const auto map = map_with(spectra[i]);
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      INFO("spectrum " << i << ", seed " << seed);
      const auto start = start_vector(seed, static_cast<std::int64_t>(spectra[i].size()), torch::kFloat64);

      const auto early = lanczos(map, start, {100, 1e-4});
      const auto all = lanczos(map, start, {100, 0});

      CHECK(early.converged);
      CHECK(early.num_products < 30);
      CHECK(early.num_products < all.num_products);
      CHECK(early.dominant == Approx(spectra[i][0]).epsilon(1e-3));
    }
  }
}

TEST_CASE("A tolerance that is not met within the steps is said") {
  const auto map = map_with(outliers({10, 9.9, 9.8, -9.7}));

  const auto spectrum = lanczos(map, start_vector(1, 404, torch::kFloat64), {4, 1e-6});

  CHECK(spectrum.num_products == 4);
  CHECK_FALSE(spectrum.converged);
}

TEST_CASE("The Ritz vector has the residual that is said, and a start near it takes fewer products") {
  const auto map = map_with(outliers({10, 8, 6, 5, 4, -3}));
  const auto moved = map_with(outliers({10.2, 8.1, 6, 5, 4, -3}));
  for (const auto dtype : {torch::kFloat64, torch::kFloat32}) {
    const auto typed = [&](const SymmetricMap& of) {
      return [&of, dtype](const torch::Tensor& v) { return of(v.to(torch::kFloat64)).to(dtype); };
    };
    const auto start = start_vector(7, 406, dtype);

    const auto cold = lanczos(typed(map), start, {100, 1e-4, true});
    const auto warm = lanczos(typed(moved), cold.vector, {100, 1e-4});
    const auto again = lanczos(typed(moved), start, {100, 1e-4});

    const auto v = cold.vector.to(torch::kFloat64);
    CHECK(v.norm().item<double>() == Approx(1).epsilon(1e-6));
    const double residual = (map(v) - cold.dominant * v).norm().item<double>() / std::abs(cold.dominant);
    CHECK(residual == Approx(cold.residual).margin(1e-5));
    CHECK(warm.dominant == Approx(10.2).epsilon(1e-3));
    CHECK(warm.num_products < again.num_products);
  }
}

TEST_CASE("Vectors longer than a block are made orthogonal to double rounding, and combined element by element") {
  const std::int64_t size = kBlockSize + 1029;
  auto a = test::normal({size}, 20, torch::kFloat64), b = test::normal({size}, 21, torch::kFloat64);
  const auto a_before = a.clone();
  scale(size, 1 / std::sqrt(dot(size, a.data_ptr<double>(), a.data_ptr<double>())), a.data_ptr<double>(),
        a.data_ptr<double>());
  const double* const basis[] = {a.data_ptr<double>()};
  const double product = dot(size, a.data_ptr<double>(), b.data_ptr<double>());
  const auto expected = b - product * a;

  const auto left = orthogonalise<double>(size, basis, b.data_ptr<double>());

  CHECK(a.norm().item<double>() == Approx(1).epsilon(1e-14));
  CHECK((a * a_before.norm() - a_before).abs().max().item<double>() < 1e-13);
  CHECK(left.last_product == product);
  CHECK(left.norm == Approx(expected.norm().item<double>()).epsilon(1e-12));
  CHECK(std::abs(dot(size, a.data_ptr<double>(), b.data_ptr<double>())) < 1e-12);
  CHECK((b - expected).abs().max().item<double>() < 1e-12);
}

model::State state_of(const model::Network& network, torch::ScalarType dtype) {
  auto state = model::initial_state(network.layout(), 1, dtype);
  state.weights.mul_(2);
  return state;
}

TEST_CASE("Softmax regression's Hessian equals the hand-written one in float64 to 1e-12") {
  config::Settings::Model settings;
  settings.arch = config::Arch::linear;
  const auto network = model::make_network(settings, {6}, 4);
  const auto state = state_of(*network, torch::kFloat64);
  const auto x = test::normal({7, 6}, 8, torch::kFloat64);
  const auto labels = test::labels({7}, 4, 9);
  const auto parts = network->views(state.weights);
  const auto p = torch::softmax(torch::matmul(x, parts[0].t()) + parts[1], 1);
  const auto lifted = torch::cat({x, torch::ones({7, 1}, torch::kFloat64)}, 1);
  auto expected = torch::zeros({4, 7, 4, 7}, torch::kFloat64);  // [class, input or bias, class, input or bias]
  for (std::int64_t i = 0; i < 7; ++i) {
    const auto curve = torch::diag(p[i]) - torch::outer(p[i], p[i]);
    expected += torch::einsum("ac,bd->abcd", {curve, torch::outer(lifted[i], lifted[i])}) / 7;
  }

  const Hessian hessian(*network, state, x, labels, {0, 7}, model::Statistics::batch);

  for (std::int64_t column = 0; column < state.weights.numel(); ++column) {
    auto unit = torch::zeros_like(state.weights);
    unit[column] = 1;
    const auto product = network->views(hessian(unit));
    const auto c = column < 24 ? column / 6 : column - 24, d = column < 24 ? column % 6 : 6;
    const auto wanted = expected.select(2, c).select(2, d);
    CHECK(test::apart(product[0], wanted.narrow(1, 0, 6)) < 1e-12);
    CHECK(test::apart(product[1], wanted.select(1, 6)) < 1e-12);
  }
}

TEST_CASE(
    "Hessian-vector products equal differences of gradients (tanh and silu; relu with a step that crosses no kink)") {
  for (const auto activation : {config::Activation::tanh, config::Activation::silu, config::Activation::relu}) {
    config::Settings::Model settings;
    settings.arch = config::Arch::mlp;
    settings.hidden = {8, 5};
    settings.activation = activation;
    const auto network = model::make_network(settings, {6}, 4);
    const auto state = state_of(*network, torch::kFloat64);
    const auto x = test::normal({7, 6}, 8, torch::kFloat64);
    const auto labels = test::labels({7}, 4, 9);
    const auto v = test::normal({state.weights.numel()}, 10, torch::kFloat64);
    const model::LossSpec loss{3, 7};
    const double step = activation == config::Activation::relu ? 1e-8 : 1e-6;
    const auto gradient_at = [&](double factor) {
      return model::gradient(*network, {state.weights + v * factor, state.buffers}, x, labels, loss,
                             model::Statistics::batch);
    };

    const auto product = Hessian(*network, state, x, labels, loss, model::Statistics::batch)(v);

    const auto difference = (gradient_at(step) - gradient_at(-step)) / (2 * step);
    CHECK((product - difference).norm().item<double>() < 1e-6 * product.norm().item<double>());
  }
}

TEST_CASE("L2 in the loss adds its weight to every eigenvalue") {
  config::Settings::Model settings;
  settings.arch = config::Arch::linear;
  const auto network = model::make_network(settings, {6}, 4);
  const auto state = state_of(*network, torch::kFloat64);
  const auto x = test::normal({7, 6}, 8, torch::kFloat64);
  const auto labels = test::labels({7}, 4, 9);
  const auto v = test::normal({state.weights.numel()}, 10, torch::kFloat64);
  const model::LossSpec loss{0, 7};

  const auto without = Hessian(*network, state, x, labels, loss, model::Statistics::batch)(v);
  const auto with = Hessian(*network, state, x, labels, loss, model::Statistics::batch, 0.25)(v);

  CHECK(test::apart(with, without + 0.25 * v) < 1e-15);
}

TEST_CASE("Chunks of rows sum to the whole Hessian, with the same bits whether their graphs stay or are made anew") {
  config::Settings::Model settings;
  settings.arch = config::Arch::resnet18;
  const auto network = model::make_network(settings, {3, 25, 25}, 4);
  const auto state = state_of(*network, torch::kFloat64);
  const auto x = test::normal({5, 3, 25, 25}, 8, torch::kFloat64);
  const auto labels = test::labels({5}, 4, 9);
  const auto v = test::normal({state.weights.numel()}, 10, torch::kFloat64);
  const auto hessian = [&](GraphMemory memory) {
    return Hessian(*network, state, x, labels, {0, 5}, model::Statistics::running, 0, memory);
  };

  const auto whole = hessian({})(v);
  const auto anew = hessian({0, 2})(v);

  CHECK((anew - whole).norm().item<double>() < 1e-12 * whole.norm().item<double>());
  for (const std::int64_t kept_rows : {1, 2, 3, 4, 5, 9}) {
    const auto some_stay = hessian({kept_rows, 2});
    CHECK(torch::equal(some_stay(v), anew));
    CHECK(torch::equal(some_stay(v), anew));  // and are there for the next product
  }
}

}  // namespace
}  // namespace unroll::learn
