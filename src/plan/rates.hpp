#pragma once
// How fast each kind of work goes on one core: what turns the arithmetic of costs into seconds. Flop alone order work
// wrongly: a small net is bound by its calls, a convolutional net trains at another rate than an mlp, and a row of
// results costs as much as many steps of a small net. Relative sizes matter: they order work and divide trees. Nothing
// that is computed depends on them.
#include "unroll/config/settings.hpp"

namespace unroll::plan {

/// Of one call: its own time, and the speed of what it computes.
struct Rate {
  double overhead_s = 0;
  double flop_per_s = 0;
};

struct Rates {
  Rate train;    // a step of one lane
  Rate hvp;      // a Hessian-vector product
  Rate outputs;  // those of three models, for one row of results
};

/// Measured on 2026-11-23: AMD EPYC (family 25, AVX-512), torch 2.11, one thread, CPU time, on a machine that was busy
/// otherwise, as differences between studies of two lengths. linear 64-10 and mlp 64-64-10 (two points, a line): batch
/// 32, Hessian on 256 rows, outputs on 201. resnet18 and vgg19 on CIFAR-10: batch 32, Hessian on 8 rows, outputs on 16
/// and 80.
[[nodiscard]] inline Rates rates_of(config::Arch arch) {
  switch (arch) {
    case config::Arch::linear:
    case config::Arch::mlp:
      break;
    case config::Arch::resnet18:
      return {{0, 102e9}, {0, 50e9}, {0, 72e9}};
    case config::Arch::vgg19:
      return {{0, 79e9}, {0, 39e9}, {0, 100e9}};
  }
  return {{3.3e-6, 74e9}, {19e-6, 96e9}, {70e-6, 39e9}};
}

// A row of results beside outputs and products: distances and estimates. 0.21 ms for linear and 0.49 ms for the mlp,
// and about 0.13 s for the 20 million parameters of vgg19.
inline constexpr double kRow_s = 3.5e-4;
inline constexpr double kRowParameter_s = 6e-9;

// Products of a comparison group's weights in double, the same machine (bench_gather, each of two ranks: 34 to 37
// Gflop/s).
inline constexpr double kProductFlopPerS = 34e9;

}  // namespace unroll::plan
