#pragma once
// Curvature of the loss at one model's weights: Hessian-vector products, and the ends of the spectrum by Lanczos (full
// reorthogonalisation, Ritz residuals) or power iteration (as PyHessian, METHODS part 4).
#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <vector>

#include "unroll/model/network.hpp"

namespace unroll::learn {

/// A symmetric linear map of [P] vectors.
using SymmetricMap = std::function<torch::Tensor(const torch::Tensor&)>;

/// Convolutional nets take products from the graph of a gradient, which is large (plan::gradient_graph_bytes). With
/// running statistics the loss is a sum over rows (its denominator is given), so the batch is cut into chunks. The sums
/// are the same whether a chunk's graph stays between products or is made anew for each, which takes half as long
/// again.
struct GraphMemory {
  std::int64_t kept_rows = 0;     // graphs of the chunks that end within the first so many rows stay
  std::int64_t chunk_rows = 128;  // part of the results: sums are made chunk by chunk
};

/// The Hessian of the loss + l2 ||w||^2 / 2 on one batch, at fixed weights; buffers are never changed. The network
/// outlives it; one user at a time.
class Hessian {
 public:
  Hessian(const model::Network& network, const model::State& state, const torch::Tensor& inputs,
          const torch::Tensor& labels, const model::LossSpec& loss, model::Statistics statistics, double l2 = 0,
          GraphMemory memory = {});
  /// H v, v and result contiguous [P] on one device, which need not be that of the inputs (solvers keep their basis in
  /// host memory). One product is about two backward passes.
  [[nodiscard]] torch::Tensor operator()(const torch::Tensor& v) const;

 private:
  torch::Device device_;
  double l2_;
  SymmetricMap map_;
};

struct Spectrum {
  double lambda_max;  // NaN where the method does not give it (power iteration gives one end)
  double lambda_min;
  double dominant;  // signed eigenvalue largest in size; a tie (to 1e-6) goes to the positive one
  double residual;  // ||H v - dominant v|| / |dominant|
  std::int64_t num_products;
  bool converged;             // Lanczos: its tolerance was met (without one: residual < 1e-3); power: its stopping rule
  torch::Tensor vector = {};  // v, when asked for
};

struct LanczosOptions {
  std::int64_t steps = 0;  // at most
  double tolerance = 0;    // relative error of `dominant` at which to stop; 0: never
  bool wants_vector = false;
};

/// Ends early when an invariant subspace is found, or when `dominant` is known to the tolerance. The error of a Ritz
/// value theta with residual r is at most r, and at most r^2 / gap (Parlett, The Symmetric Eigenvalue Problem, 11.7):
/// so the value is known long before its vector. The gap is taken to the nearest Ritz value. As that one still moves,
/// theta must also have moved by no more than the tolerance in the last step, and the other end of the spectrum must
/// not reach beyond it: |theta'| + r' <= |theta| (1 + tolerance).
[[nodiscard]] Spectrum lanczos(const SymmetricMap& map, const torch::Tensor& start, const LanczosOptions& options);

/// Stops when |previous - current| / (|previous| + 1e-6) < tolerance and gives the previous Rayleigh quotient, as
/// PyHessian does; signed. (PyHessian divides by the norm + 1e-6, which shrinks small eigenvalues; here vectors are
/// unit vectors.) Two eigenvalues that tie in size with opposite signs make it stop early or never.
[[nodiscard]] Spectrum power_iteration(const SymmetricMap& map, const torch::Tensor& start, std::int64_t iterations,
                                       double tolerance);

/// Standard normal numbers by element, from RandomStream(seed, "lanczos").
[[nodiscard]] torch::Tensor start_vector(std::uint64_t seed, std::int64_t size, torch::ScalarType dtype);

/// <a, b> in double over fixed blocks (base/block_sum.hpp).
[[nodiscard]] double inner_product(const torch::Tensor& a, const torch::Tensor& b);

}  // namespace unroll::learn
