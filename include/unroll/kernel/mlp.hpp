#pragma once
// Linear classifiers and multilayer perceptrons on one CPU core, by hand-written loops: logits, the loss's gradient,
// Hessian-vector products (Pearlmutter 1994, the R operator) and SGD. Small models spend their time in the overhead of
// general libraries (measured: src/kernel/README.md); here a step allocates nothing and reads its batch in place.
//
// Bits: every output is one chain of sums whose order depends on the network's widths alone. So an example's logits do
// not depend on the other rows of its batch, nor a model's gradient on where and beside what it is computed.
#include <cstdint>
#include <memory>
#include <vector>

#include "unroll/config/settings.hpp"

namespace unroll::kernel {

/// Cross-entropy + gamma S (model/loss.hpp).
struct LossSpec {
  double gamma = 0;        // weight of S; 0 is plain cross-entropy
  double denominator = 0;  // divides the sum over examples (B: those left, or the whole batch)
  config::LossKind kind = config::LossKind::sd;
  config::SdForm sd = config::SdForm::published;

  /// The weight of one example's part of S (see model/loss.hpp); 0 for cross-entropy.
  [[nodiscard]] double weight(std::int64_t classes) const;
};

/// Examples, where they lie. Inputs hold widths.front() elements a row.
template <typename Real>
struct Batch {
  const Real* const* inputs = nullptr;   // [num_rows]
  const std::int64_t* labels = nullptr;  // [num_rows], in [0, classes)
  std::int64_t num_rows = 0;
};

struct MlpShape {
  std::vector<std::int64_t> widths;  // inputs, hidden layers, classes
  config::Activation activation = config::Activation::relu;

  /// Weights are flat, a layer after the other: weight [out, in], then bias [out].
  [[nodiscard]] std::int64_t num_parameters() const;
};

/// One user at a time: it owns the scratch memory of its calls, which only grows.
template <typename Real>
class Mlp {
 public:
  explicit Mlp(MlpShape shape);
  ~Mlp();
  Mlp(Mlp&&) noexcept;
  Mlp& operator=(Mlp&&) noexcept;

  /// logits [rows, classes].
  void logits(const Real* weights, const Real* const* inputs, std::int64_t num_rows, Real* logits);
  /// The loss's gradient, [P].
  void gradient(const Real* weights, const Batch<Real>& batch, const LossSpec& loss, Real* gradient);

  /// Fixes the weights (copied) and batch (pointers kept) of Hessian-vector products, until the next call of logits or
  /// gradient.
  void set_point(const Real* weights, const Batch<Real>& batch, const LossSpec& loss);
  /// H v of the loss at the point, both [P]; about two gradients' work. v and product do not overlap.
  void hessian_product(const Real* v, Real* product);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The loss's derivatives in the logits, in closed form: rows [num_rows, classes] of logits become its gradient; rows
/// of directions dz become its second derivative at z times dz. At rows of equal logits the SD term has no part in
/// either.
template <typename Real>
void logit_gradient(const std::int64_t* labels, std::int64_t num_rows, std::int64_t classes, const LossSpec& loss,
                    Real* z);
template <typename Real>
void logit_curvature(const Real* z, std::int64_t num_rows, std::int64_t classes, const LossSpec& loss, Real* dz);

/// SGD as in PyTorch: d = g + weight_decay w; v = momentum v + d; w -= lr v.
struct Update {
  double lr = 0, momentum = 0, weight_decay = 0;
};
/// One pass over the weights. gradient nullptr: a zero one; velocity nullptr: no momentum.
template <typename Real>
void update(const Update& update, std::int64_t count, const Real* gradient, Real* velocity, Real* weights);

/// Which build of the loops runs here: part of the numerics key.
[[nodiscard]] const char* instruction_set();

}  // namespace unroll::kernel
