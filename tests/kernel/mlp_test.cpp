#include "unroll/kernel/mlp.hpp"

#include <cmath>
#include <cstring>

#include "support/catch.hpp"
#include "unroll/base/random.hpp"

namespace unroll::kernel {
namespace {

template <typename Real>
std::vector<Real> normal(std::int64_t count, std::uint64_t seed, double scale = 1) {
  const RandomStream stream(seed, "test");
  std::vector<Real> values;
  for (std::int64_t i = 0; i < count; ++i) {
    values.push_back(static_cast<Real>(scale * stream.normal(0, static_cast<std::uint64_t>(i))));
  }
  return values;
}

/// Rows of inputs that lie apart from each other, as a batch finds them in a data set.
template <typename Real>
struct Examples {
  std::vector<Real> values;
  std::vector<const Real*> rows;
  std::vector<std::int64_t> labels;

  Examples(std::int64_t num_rows, std::int64_t width, std::int64_t classes)
      : values(normal<Real>(num_rows * (width + 3), 7)) {
    for (std::int64_t i = 0; i < num_rows; ++i) {
      rows.push_back(values.data() + i * (width + 3));
      labels.push_back(i * 5 % classes);
    }
  }
  [[nodiscard]] Batch<Real> batch(std::int64_t first, std::int64_t count) const {
    return {rows.data() + first, labels.data() + first, count};
  }
};

const std::vector<MlpShape> kShapes{
    {{11, 5}, config::Activation::relu},       {{70, 2}, config::Activation::relu},
    {{19, 33, 10}, config::Activation::tanh},  {{64, 64, 10}, config::Activation::silu},
    {{7, 13, 4, 3}, config::Activation::tanh}, {{7, 13, 4, 3}, config::Activation::silu},
    {{20, 17, 100}, config::Activation::relu},
};

const std::vector<LossSpec> kLosses{{0, 9},
                                    {4, 12},
                                    {0.5, 12, config::LossKind::sd, config::SdForm::mean},
                                    {4, 12, config::LossKind::hess},
                                    {4, 9, config::LossKind::ce}};

double activated(config::Activation activation, double x) {
  switch (activation) {
    case config::Activation::relu:
      return x > 0 ? x : 0;
    case config::Activation::tanh:
      return std::tanh(x);
    case config::Activation::silu:
      return x / (1 + std::exp(-x));
  }
  return x;
}

/// Logits by the definition, in long double.
template <typename Real>
std::vector<long double> plain_logits(const MlpShape& shape, const std::vector<Real>& weights, const Real* input) {
  std::vector<long double> x(input, input + shape.widths.front());
  const Real* w = weights.data();
  for (std::size_t layer = 0; layer + 1 < shape.widths.size(); ++layer) {
    const auto in = shape.widths[layer], out = shape.widths[layer + 1];
    std::vector<long double> z(static_cast<std::size_t>(out));
    for (std::int64_t o = 0; o < out; ++o) {
      auto& sum = z[static_cast<std::size_t>(o)];
      sum = w[in * out + o];
      for (std::int64_t i = 0; i < in; ++i) {
        sum += static_cast<long double>(w[o * in + i]) * x[static_cast<std::size_t>(i)];
      }
      if (layer + 2 < shape.widths.size()) {
        sum = activated(shape.activation, static_cast<double>(sum));
      }
    }
    w += (in + 1) * out;
    x = z;
  }
  return x;
}

long double plain_loss(const MlpShape& shape, const std::vector<double>& weights, const Batch<double>& batch,
                       const LossSpec& loss) {
  const auto classes = static_cast<long double>(shape.widths.back());
  long double total = 0;
  for (std::int64_t row = 0; row < batch.num_rows; ++row) {
    const auto z = plain_logits(shape, weights, batch.inputs[row]);
    long double sum = 0, mean = 0, square = 0;
    for (const auto value : z) {
      sum += std::exp(value);
      mean += value / classes;
    }
    for (const auto value : z) {
      square += (value - mean) * (value - mean);
    }
    total += std::log(sum) - z[static_cast<std::size_t>(batch.labels[row])];
    long double squares = 0;
    for (const auto value : z) {
      squares += std::exp(2 * value) / (sum * sum);
    }
    switch (loss.kind) {
      case config::LossKind::ce:
        break;
      case config::LossKind::sd:
        total += loss.gamma / (loss.sd == config::SdForm::published ? classes : 1) * std::sqrt(square / (classes - 1));
        break;
      case config::LossKind::hess:
        total += loss.gamma * (1 - squares);
        break;
    }
  }
  return total / loss.denominator;
}

double largest(const std::vector<double>& values) {
  double top = 0;
  for (const double value : values) {
    top = std::max(top, std::abs(value));
  }
  return top;
}

TEST_CASE("Logits are those of the definition") {
  for (const auto& shape : kShapes) {
    const auto weights = normal<double>(shape.num_parameters(), 1, 0.4);
    const Examples<double> examples(67, shape.widths.front(), shape.widths.back());
    std::vector<double> logits(static_cast<std::size_t>(67 * shape.widths.back()));

    Mlp<double>(shape).logits(weights.data(), examples.rows.data(), 67, logits.data());

    double worst = 0;
    for (std::size_t row = 0; row < 67; ++row) {
      const auto expected = plain_logits(shape, weights, examples.rows[row]);
      for (std::size_t c = 0; c < expected.size(); ++c) {
        const double apart = logits[row * expected.size() + c] - static_cast<double>(expected[c]);
        worst = std::max(worst, std::abs(apart));
      }
    }
    CHECK(worst < 1e-13);
  }
}

TEST_CASE("The gradient is the loss's slope, and the Hessian's products are the gradient's") {
  for (const auto& shape : kShapes) {
    for (const LossSpec& loss : kLosses) {
      const auto weights = normal<double>(shape.num_parameters(), 1, 0.4);
      const auto v = normal<double>(shape.num_parameters(), 2, 0.4);
      const Examples<double> examples(9, shape.widths.front(), shape.widths.back());
      const auto batch = examples.batch(0, 9);
      Mlp<double> mlp(shape);
      const auto moved = [&](double by) {
        auto at = weights;
        for (std::size_t i = 0; i < at.size(); ++i) {
          at[i] += by * v[i];
        }
        return at;
      };
      const auto gradient_at = [&](const std::vector<double>& at) {
        std::vector<double> gradient(at.size());
        mlp.gradient(at.data(), batch, loss, gradient.data());
        return gradient;
      };
      // A relu's kinks must not lie between the points of a difference.
      const double step = shape.activation == config::Activation::relu ? 1e-7 : 1e-5;

      const auto gradient = gradient_at(weights);
      double along = 0;
      for (std::size_t i = 0; i < v.size(); ++i) {
        along += gradient[i] * v[i];
      }
      const auto slope = (plain_loss(shape, moved(step), batch, loss) - plain_loss(shape, moved(-step), batch, loss)) /
                         (2 * static_cast<long double>(step));
      CHECK(along == Approx(static_cast<double>(slope)).epsilon(1e-7));

      mlp.set_point(weights.data(), batch, loss);
      std::vector<double> product(v.size());
      mlp.hessian_product(v.data(), product.data());
      const auto up = gradient_at(moved(step)), down = gradient_at(moved(-step));
      double worst = 0;
      for (std::size_t i = 0; i < v.size(); ++i) {
        worst = std::max(worst, std::abs(product[i] - (up[i] - down[i]) / (2 * step)));
      }
      CHECK(worst < 1e-6 * largest(product));
    }
  }
}

TEST_CASE("float32 agrees with float64 to its own precision") {
  for (const auto& shape : kShapes) {
    const auto weights = normal<float>(shape.num_parameters(), 1, 0.4);
    const std::vector<double> wide(weights.begin(), weights.end());
    Examples<float> examples(32, shape.widths.front(), shape.widths.back());
    Examples<double> exact(32, shape.widths.front(), shape.widths.back());
    std::copy(examples.values.begin(), examples.values.end(), exact.values.begin());
    std::vector<float> gradient(weights.size());
    std::vector<double> expected(weights.size());

    Mlp<float>(shape).gradient(weights.data(), examples.batch(0, 32), {2, 32}, gradient.data());
    Mlp<double>(shape).gradient(wide.data(), exact.batch(0, 32), {2, 32}, expected.data());

    double worst = 0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      worst = std::max(worst, std::abs(static_cast<double>(gradient[i]) - expected[i]));
    }
    CHECK(worst < 3e-6 * largest(expected));
    CHECK(worst > 0);
  }
}

template <typename Real>
void check_bits_of_rows(const MlpShape& shape) {
  const auto weights = normal<Real>(shape.num_parameters(), 1, 0.4);
  const auto classes = static_cast<std::size_t>(shape.widths.back());
  const Examples<Real> examples(70, shape.widths.front(), shape.widths.back());
  Mlp<Real> mlp(shape);
  std::vector<Real> all(70 * classes);
  mlp.logits(weights.data(), examples.rows.data(), 70, all.data());
  for (const std::int64_t first : {0, 1, 33, 64}) {
    for (const std::int64_t count : {1, 2, 3, 6}) {
      std::vector<Real> part(static_cast<std::size_t>(count) * classes);
      mlp.logits(weights.data(), examples.rows.data() + first, count, part.data());
      CHECK(std::memcmp(part.data(), all.data() + static_cast<std::size_t>(first) * classes,
                        part.size() * sizeof(Real)) == 0);
    }
  }
}

TEST_CASE("An example's logits have the same bits in every batch") {
  for (const auto& shape : kShapes) {
    check_bits_of_rows<float>(shape);
    check_bits_of_rows<double>(shape);
  }
}

TEST_CASE("Scratch memory of earlier, larger calls leaves no trace") {
  const MlpShape& shape = kShapes[2];
  const auto weights = normal<float>(shape.num_parameters(), 1, 0.4);
  const Examples<float> examples(70, shape.widths.front(), shape.widths.back());
  Mlp<float> used(shape), fresh(shape);
  std::vector<float> before(weights.size()), after(weights.size());
  used.gradient(weights.data(), examples.batch(0, 70), {0, 70}, before.data());
  used.set_point(weights.data(), examples.batch(3, 50), {1, 50});
  used.hessian_product(weights.data(), before.data());

  used.gradient(weights.data(), examples.batch(5, 3), {1, 3}, after.data());
  fresh.gradient(weights.data(), examples.batch(5, 3), {1, 3}, before.data());

  CHECK(after == before);
}

TEST_CASE("What is not finite is not hidden") {
  for (const auto activation : {config::Activation::relu, config::Activation::tanh, config::Activation::silu}) {
    const MlpShape shape{{11, 9, 5}, activation};
    auto weights = normal<float>(shape.num_parameters(), 1, 0.4);
    weights[3] = std::nanf("");
    const Examples<float> examples(4, 11, 5);
    std::vector<float> gradient(weights.size());
    Mlp<float>(shape).gradient(weights.data(), examples.batch(0, 4), {0, 4}, gradient.data());
    CHECK(std::isnan(gradient.back()));
  }
}

TEST_CASE("An update is PyTorch's SGD: decay in the gradient, velocity without dampening") {
  for (const std::int64_t count : {1, 17, 64}) {
    auto w = normal<double>(count, 1), v = normal<double>(count, 2);
    const auto g = normal<double>(count, 3), w0 = w, v0 = v;
    update<double>({0.1, 0.9, 0.01}, count, g.data(), v.data(), w.data());
    for (std::size_t i = 0; i < w.size(); ++i) {
      CHECK(v[i] == Approx(0.9 * v0[i] + g[i] + 0.01 * w0[i]).epsilon(1e-14));
      CHECK(w[i] == Approx(w0[i] - 0.1 * v[i]).epsilon(1e-14));
    }
    auto plain = w0;
    update<double>({0.1, 0, 0}, count, nullptr, nullptr, plain.data());
    CHECK(plain == w0);
  }
}

}  // namespace
}  // namespace unroll::kernel
