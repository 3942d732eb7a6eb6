#pragma once
// Which build of loops runs, where they are built for several instruction sets (kernel, gather).

namespace unroll {

enum class InstructionSet { baseline, v3, v4 };  // x86-64-v3: AVX2; x86-64-v4: AVX-512

/// The highest that this machine has, or a lower one where ATEN_CPU_CAPABILITY (default, avx2) asks for it: one
/// variable pins LibTorch and these loops. baseline on other processors.
[[nodiscard]] InstructionSet instruction_set();

}  // namespace unroll
