#include "unroll/kernel/mlp.hpp"

#include <algorithm>

#include "kernel/functions.hpp"

namespace unroll::kernel {
namespace {

/// From this many columns on a layer's products go by columns; fewer would leave most of a vector idle.
constexpr std::int64_t kWide = 8;

/// A matrix of scratch memory with pointers to its rows.
template <typename Real>
class Matrix {
 public:
  void resize(std::int64_t rows, std::int64_t columns) {
    columns_ = columns;
    const auto size = static_cast<std::size_t>(rows * columns);
    const bool moved = values_.size() < size;
    if (moved) {
      values_.resize(size);
    }
    if (moved || rows_.size() < static_cast<std::size_t>(rows) || step_ != columns) {
      rows_.resize(std::max(rows_.size(), static_cast<std::size_t>(rows)));
      point_rows(values_.data(), columns, rows_);
      step_ = columns;
    }
    size_ = rows * columns;
  }
  static void point_rows(const Real* first, std::int64_t step, std::vector<const Real*>& rows) {
    for (auto& row : rows) {
      row = first;
      first += step;
    }
  }
  [[nodiscard]] Real* data() { return values_.data(); }
  [[nodiscard]] const Real* data() const { return values_.data(); }
  [[nodiscard]] const Real* const* rows() const { return rows_.data(); }
  [[nodiscard]] std::int64_t size() const { return size_; }
  [[nodiscard]] std::int64_t columns() const { return columns_; }

 private:
  std::vector<Real> values_;
  std::vector<const Real*> rows_;
  std::int64_t step_ = -1, size_ = 0, columns_ = 0;
};

struct Layer {
  std::int64_t in, out, weight, bias;  // widths, and offsets into the flat weights
};

/// What a pass keeps of one layer. value: logits or activations; slope, bend: derivatives of the activation; outer: the
/// loss's gradient in the layer's outputs (before the slope); inner: in its sums (after it).
template <typename Real>
struct Kept {
  Matrix<Real> value, slope, bend, outer, inner;
};

}  // namespace

double LossSpec::weight(std::int64_t classes) const {
  switch (kind) {
    case config::LossKind::ce:
      return 0;
    case config::LossKind::hess:
      return gamma / denominator;
    case config::LossKind::sd:
      break;
  }
  return gamma / (sd == config::SdForm::published ? denominator * static_cast<double>(classes) : denominator);
}

std::int64_t MlpShape::num_parameters() const {
  std::int64_t count = 0;
  for (std::size_t layer = 0; layer + 1 < widths.size(); ++layer) {
    count += (widths[layer] + 1) * widths[layer + 1];
  }
  return count;
}

template <typename Real>
struct Mlp<Real>::State {
  const Functions<Real>& kernels = functions<Real>();
  std::vector<Layer> layers;
  config::Activation activation;
  std::vector<Kept<Real>> kept;             // of the current pass, one a layer
  std::vector<Kept<Real>> turned;           // Hessian: derivatives of value, outer and inner along v
  std::vector<Matrix<Real>> columns;        // of the pass's weights: transposed, for wide layers
  std::vector<Matrix<Real>> columns_along;  // of a direction likewise
  std::vector<const Real*> weight_rows;
  // The point of Hessian-vector products.
  std::vector<Real> weights;
  std::vector<const Real*> inputs;
  LossSpec loss;

  explicit State(const MlpShape& shape) : activation(shape.activation) {
    std::int64_t offset = 0;
    for (std::size_t i = 0; i + 1 < shape.widths.size(); ++i) {
      const auto in = shape.widths[i], out = shape.widths[i + 1];
      layers.push_back({in, out, offset, offset + in * out});
      offset += (in + 1) * out;
    }
    columns.resize(layers.size());
    columns_along.resize(layers.size());
    kept.resize(layers.size());
    turned.resize(layers.size());
  }

  [[nodiscard]] const Real* const* rows_of_weights(const Real* weights_of_layer, const Layer& layer) {
    weight_rows.resize(static_cast<std::size_t>(layer.out));
    Matrix<Real>::point_rows(weights_of_layer, layer.in, weight_rows);
    return weight_rows.data();
  }

  void turn(const Real* flat, std::vector<Matrix<Real>>& to) {
    for (std::size_t i = 0; i < layers.size(); ++i) {
      const auto& layer = layers[i];
      if (layer.out >= kWide) {
        to[i].resize(layer.in, layer.out);
        kernels.transpose(flat + layer.weight, layer.out, layer.in, to[i].data());
      }
    }
  }

  /// out = start + input W^T of layer i; the weights' columns were made by `turn`.
  void apply(std::size_t i, const Real* flat, const std::vector<Matrix<Real>>& turned_weights, const Real* const* input,
             std::int64_t rows, Start<Real> start, Real* out) {
    const auto& layer = layers[i];
    if (layer.out < kWide) {
      kernels.dots(input, rows_of_weights(flat + layer.weight, layer), rows, layer.out, layer.in, start, out);
    } else {
      kernels.product(input, turned_weights[i].rows(), rows, layer.out, layer.in, start, out);
    }
  }

  enum class Keep { values, slopes, bends };

  /// Fills kept[...].value (logits in the last) and what `keep` asks for; `columns` are flat's.
  void forward(const Real* flat, const Real* const* input, std::int64_t rows, Keep keep) {
    for (std::size_t i = 0; i < layers.size(); ++i) {
      auto& here = kept[i];
      here.value.resize(rows, layers[i].out);
      apply(i, flat, columns, input, rows, {flat + layers[i].bias, false}, here.value.data());
      if (i + 1 == layers.size()) {
        return;
      }
      Real* slope = nullptr;
      Real* bend = nullptr;
      if (keep != Keep::values) {
        here.slope.resize(rows, layers[i].out);
        slope = here.slope.data();
      }
      if (keep == Keep::bends) {
        here.bend.resize(rows, layers[i].out);
        bend = here.bend.data();
      }
      kernels.activate(activation, here.value.size(), here.value.data(), slope, bend);
      input = here.value.rows();
    }
  }

  /// From the gradient in the logits (kept.back().inner) to the weights' (unless nullptr) and every layer's.
  void backward(const Real* flat, const Real* const* input, std::int64_t rows, Real* gradient) {
    for (std::size_t i = layers.size(); i-- > 0;) {
      const auto& layer = layers[i];
      const auto& inner = kept[i].inner;
      if (gradient != nullptr) {
        kernels.transposed_product(inner.rows(), i > 0 ? kept[i - 1].value.rows() : input, layer.out, layer.in, rows,
                                   {}, gradient + layer.weight);
        kernels.column_sums(inner.data(), rows, layer.out, gradient + layer.bias);
      }
      if (i > 0) {
        auto& below = kept[i - 1];
        below.inner.resize(rows, layer.in);
        kernels.product(inner.rows(), rows_of_weights(flat + layer.weight, layer), rows, layer.in, layer.out, {},
                        below.inner.data());
        if (gradient == nullptr) {  // a Hessian's point needs it before the slope, too
          below.outer.resize(rows, layer.in);
          std::copy_n(below.inner.data(), below.inner.size(), below.outer.data());
        }
        kernels.multiply(below.inner.size(), below.slope.data(), below.inner.data());
      }
    }
  }

  void logits_to_gradient(const Batch<Real>& batch, const LossSpec& of_loss) {
    auto& last = kept.back();
    last.inner.resize(batch.num_rows, layers.back().out);
    std::copy_n(last.value.data(), last.value.size(), last.inner.data());
    kernels.logit_gradient(batch.labels, batch.num_rows, layers.back().out, of_loss, last.inner.data());
  }

  /// Derivatives along v of every layer's values, then of the loss's gradient in the logits.
  void forward_along(const Real* v, std::int64_t rows) {
    turn(v, columns_along);
    for (std::size_t i = 0; i < layers.size(); ++i) {
      auto& here = turned[i].value;
      here.resize(rows, layers[i].out);
      apply(i, v, columns_along, i > 0 ? kept[i - 1].value.rows() : inputs.data(), rows, {v + layers[i].bias, false},
            here.data());
      if (i > 0) {
        apply(i, weights.data(), columns, turned[i - 1].outer.rows(), rows, {nullptr, true}, here.data());
      }
      if (i + 1 < layers.size()) {
        auto& outer = turned[i].outer;  // here: the derivative of the activations; value is that of the sums
        outer.resize(rows, layers[i].out);
        std::copy_n(here.data(), here.size(), outer.data());
        kernels.multiply(here.size(), kept[i].slope.data(), outer.data());
      }
    }
    auto& last = turned.back();
    last.inner.resize(rows, layers.back().out);
    std::copy_n(last.value.data(), last.value.size(), last.inner.data());
    kernels.logit_curvature(kept.back().value.data(), rows, layers.back().out, loss, last.inner.data());
  }

  void backward_along(const Real* v, std::int64_t rows, Real* product) {
    for (std::size_t i = layers.size(); i-- > 0;) {
      const auto& layer = layers[i];
      const auto& inner = turned[i].inner;
      Real* weight = product + layer.weight;
      kernels.transposed_product(inner.rows(), i > 0 ? kept[i - 1].value.rows() : inputs.data(), layer.out, layer.in,
                                 rows, {}, weight);
      kernels.column_sums(inner.data(), rows, layer.out, product + layer.bias);
      if (i == 0) {
        return;
      }
      kernels.transposed_product(kept[i].inner.rows(), turned[i - 1].outer.rows(), layer.out, layer.in, rows,
                                 {nullptr, true}, weight);
      auto& below = turned[i - 1].inner;
      below.resize(rows, layer.in);
      kernels.product(inner.rows(), rows_of_weights(weights.data() + layer.weight, layer), rows, layer.in, layer.out,
                      {}, below.data());
      kernels.product(kept[i].inner.rows(), rows_of_weights(v + layer.weight, layer), rows, layer.in, layer.out,
                      {nullptr, true}, below.data());
      kernels.multiply_add(below.size(), kept[i - 1].slope.data(), kept[i - 1].outer.data(), kept[i - 1].bend.data(),
                           turned[i - 1].value.data(), below.data());
    }
  }
};

template <typename Real>
Mlp<Real>::Mlp(MlpShape shape) : state_(std::make_unique<State>(shape)) {}
template <typename Real>
Mlp<Real>::~Mlp() = default;
template <typename Real>
Mlp<Real>::Mlp(Mlp&&) noexcept = default;
template <typename Real>
Mlp<Real>& Mlp<Real>::operator=(Mlp&&) noexcept = default;

template <typename Real>
void Mlp<Real>::logits(const Real* weights, const Real* const* inputs, std::int64_t num_rows, Real* logits) {
  constexpr std::int64_t kRows = 64;  // of one pass: activations stay in the first-level cache
  state_->turn(weights, state_->columns);
  for (std::int64_t start = 0; start < num_rows; start += kRows) {
    state_->forward(weights, inputs + start, std::min(kRows, num_rows - start), State::Keep::values);
    const auto& last = state_->kept.back().value;
    logits = std::copy_n(last.data(), last.size(), logits);
  }
}

template <typename Real>
void Mlp<Real>::gradient(const Real* weights, const Batch<Real>& batch, const LossSpec& loss, Real* gradient) {
  state_->turn(weights, state_->columns);
  state_->forward(weights, batch.inputs, batch.num_rows, State::Keep::slopes);
  state_->logits_to_gradient(batch, loss);
  state_->backward(weights, batch.inputs, batch.num_rows, gradient);
}

template <typename Real>
void Mlp<Real>::set_point(const Real* weights, const Batch<Real>& batch, const LossSpec& loss) {
  auto& state = *state_;
  const auto& last = state.layers.back();
  state.weights.assign(weights, weights + last.bias + last.out);
  state.inputs.assign(batch.inputs, batch.inputs + batch.num_rows);
  state.loss = loss;
  state.turn(weights, state.columns);
  state.forward(weights, batch.inputs, batch.num_rows, State::Keep::bends);
  state.logits_to_gradient(batch, loss);
  state.backward(weights, batch.inputs, batch.num_rows, nullptr);
}

template <typename Real>
void Mlp<Real>::hessian_product(const Real* v, Real* product) {
  const auto rows = static_cast<std::int64_t>(state_->inputs.size());
  state_->forward_along(v, rows);
  state_->backward_along(v, rows, product);
}

template <typename Real>
void update(const Update& update, std::int64_t count, const Real* gradient, Real* velocity, Real* weights) {
  functions<Real>().update(update, count, gradient, velocity, weights);
}

template <typename Real>
void logit_gradient(const std::int64_t* labels, std::int64_t num_rows, std::int64_t classes, const LossSpec& loss,
                    Real* z) {
  functions<Real>().logit_gradient(labels, num_rows, classes, loss, z);
}

template <typename Real>
void logit_curvature(const Real* z, std::int64_t num_rows, std::int64_t classes, const LossSpec& loss, Real* dz) {
  functions<Real>().logit_curvature(z, num_rows, classes, loss, dz);
}

void softmax(const double* logits, std::int64_t rows, std::int64_t classes, double* p, double* log_p) {
  functions<double>().softmax(logits, rows, classes, p, log_p);
}

OutputSums output_sums(const RowsOfOutputs& reference, const RowsOfOutputs& other, std::int64_t rows,
                       std::int64_t classes) {
  return functions<double>().output_sums(reference, other, rows, classes);
}

template class Mlp<float>;
template class Mlp<double>;
template void logit_gradient<float>(const std::int64_t*, std::int64_t, std::int64_t, const LossSpec&, float*);
template void logit_gradient<double>(const std::int64_t*, std::int64_t, std::int64_t, const LossSpec&, double*);
template void logit_curvature<float>(const float*, std::int64_t, std::int64_t, const LossSpec&, float*);
template void logit_curvature<double>(const double*, std::int64_t, std::int64_t, const LossSpec&, double*);
template void update<float>(const Update&, std::int64_t, const float*, float*, float*);
template void update<double>(const Update&, std::int64_t, const double*, double*, double*);

}  // namespace unroll::kernel
