#pragma once
// What one core of this machine can do at most, measured: fused multiply-adds in registers and a triad over memory.
#include <cstdint>
#include <string>

namespace unroll::bench {

struct Peak {
  int vector_bits = 0;  // width of the vectors
  double flops = 0;     // float32 operations a second, a fused multiply-add counts two
};

/// The fastest of several runs, at the widest vectors that the CPU has (512, 256 or 128 bits).
[[nodiscard]] Peak peak_flops();

/// Bytes a second of a[i] = b[i] + s c[i] over three arrays of float32 that take so many bytes together; 12 bytes an
/// element (what a write reads first is not counted). The fastest of several runs.
[[nodiscard]] double triad_bytes_per_s(std::int64_t working_set);

}  // namespace unroll::bench
