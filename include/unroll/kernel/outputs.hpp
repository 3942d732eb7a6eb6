#pragma once
// Softmax of rows of logits, and distances between two models' outputs, in double on one core. They take most of a
// study of small models once training is fast, so they share the loops of mlp.hpp.
#include <cstdint>

namespace unroll::kernel {

/// Arrays [rows, classes] of one model.
struct RowsOfOutputs {
  const double* logits = nullptr;
  const double* p = nullptr;      // softmax
  const double* log_p = nullptr;  // its logarithm
};

/// Probabilities below e^-708 become 0; their logarithms do not.
void softmax(const double* logits, std::int64_t rows, std::int64_t classes, double* p, double* log_p);

/// Sums over rows, p of the reference, q of the other, m = (p + q) / 2.
struct OutputSums {
  double kl = 0;         // sum p log(p / q), nats
  double js = 0;         // sum of (KL(p || m) + KL(q || m)) / 2, nats
  double logits_l2 = 0;  // sum of ||z_p - z_q||_2
};
[[nodiscard]] OutputSums output_sums(const RowsOfOutputs& reference, const RowsOfOutputs& other, std::int64_t rows,
                                     std::int64_t classes);

}  // namespace unroll::kernel
