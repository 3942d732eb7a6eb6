#include "unroll/base/instruction_set.hpp"

#include <algorithm>
#include <cstdlib>
#include <string_view>

namespace unroll {
namespace {

InstructionSet of_machine() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512cd")) {
    return InstructionSet::v4;
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2")) {
    return InstructionSet::v3;
  }
#endif
  return InstructionSet::baseline;
}

InstructionSet asked_for() {
  const char* value = std::getenv("ATEN_CPU_CAPABILITY");
  const std::string_view text = value != nullptr ? value : "";
  return text == "default" ? InstructionSet::baseline : text == "avx2" ? InstructionSet::v3 : InstructionSet::v4;
}

}  // namespace

InstructionSet instruction_set() { return std::min(of_machine(), asked_for()); }

}  // namespace unroll
