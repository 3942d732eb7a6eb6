#pragma once
// The arithmetic that depends on the instruction set, as a table of functions: one table a build of kernels.cpp
// (baseline, x86-64-v3, x86-64-v4), the best one for this machine chosen at run time (functions.cpp). Matrices are row
// major; rows are given by pointers, so that a batch is read where the data set lies.
#include <cstdint>

#include "unroll/config/settings.hpp"
#include "unroll/kernel/mlp.hpp"
#include "unroll/kernel/outputs.hpp"

namespace unroll::kernel {

/// What every output starts from: bias[j] of its column (nullptr: 0), or what it holds already.
template <typename Real>
struct Start {
  const Real* bias = nullptr;
  bool accumulate = false;
};

template <typename Real>
struct Functions {
  const char* name;
  /// c[i][j] = start + sum over k of a[i][k] b[k][j]; c [m, n] contiguous. One output is one chain of sums in the order
  /// of k, so its bits do not depend on m, n or its place.
  void (*product)(const Real* const* a, const Real* const* b, std::int64_t m, std::int64_t n, std::int64_t k,
                  Start<Real> start, Real* c);
  /// The same with a transposed: a[k][i].
  void (*transposed_product)(const Real* const* a, const Real* const* b, std::int64_t m, std::int64_t n, std::int64_t k,
                             Start<Real> start, Real* c);
  /// c[i][j] = start + <a[i], b[j]> over k elements: for few columns.
  void (*dots)(const Real* const* a, const Real* const* b, std::int64_t m, std::int64_t n, std::int64_t k,
               Start<Real> start, Real* c);
  /// out [columns, rows] = in [rows, columns] transposed.
  void (*transpose)(const Real* in, std::int64_t rows, std::int64_t columns, Real* out);
  /// sums[j] = sum over i of a[i, j].
  void (*column_sums)(const Real* a, std::int64_t rows, std::int64_t columns, Real* sums);
  /// values becomes the activation of itself; slope its derivative, bend its second derivative (nullptr: not wanted).
  void (*activate)(config::Activation activation, std::int64_t count, Real* values, Real* slope, Real* bend);
  /// a *= b; a = a * b + c * d * e.
  void (*multiply)(std::int64_t count, const Real* b, Real* a);
  void (*multiply_add)(std::int64_t count, const Real* b, const Real* c, const Real* d, const Real* e, Real* a);
  /// Rows of logits become the gradient of the loss in them (model/loss.hpp).
  void (*logit_gradient)(const std::int64_t* labels, std::int64_t rows, std::int64_t classes, LossSpec loss, Real* z);
  /// Rows of directions dz become (second derivative of the loss in the logits z) dz.
  void (*logit_curvature)(const Real* z, std::int64_t rows, std::int64_t classes, LossSpec loss, Real* dz);
  /// outputs.hpp; nullptr for float.
  void (*softmax)(const double* logits, std::int64_t rows, std::int64_t classes, double* p, double* log_p);
  OutputSums (*output_sums)(const RowsOfOutputs& reference, const RowsOfOutputs& other, std::int64_t rows,
                            std::int64_t classes);
  /// One SGD step (Update in mlp.hpp).
  void (*update)(const Update& update, std::int64_t count, const Real* gradient, Real* velocity, Real* weights);
};

/// Tables by build; nullptr where this compiler or architecture has none.
namespace baseline {
template <typename Real>
const Functions<Real>& table();
}
namespace v3 {
template <typename Real>
const Functions<Real>& table();
}
namespace v4 {
template <typename Real>
const Functions<Real>& table();
}

/// The table that this machine runs, or a lower one where ATEN_CPU_CAPABILITY (default, avx2, avx512) says so: one
/// variable pins LibTorch and these functions.
template <typename Real>
[[nodiscard]] const Functions<Real>& functions();

}  // namespace unroll::kernel
