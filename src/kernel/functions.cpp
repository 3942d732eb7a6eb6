#include "kernel/functions.hpp"

#include <cstdlib>
#include <string_view>

namespace unroll::kernel {
namespace {

enum class Level { baseline, v3, v4 };

Level level_of_machine() {
#if defined(UNROLL_KERNEL_X86)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512cd")) {
    return Level::v4;
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2")) {
    return Level::v3;
  }
#endif
  return Level::baseline;
}

Level level_asked_for() {
  const char* value = std::getenv("ATEN_CPU_CAPABILITY");
  const std::string_view text = value != nullptr ? value : "";
  return text == "default" ? Level::baseline : text == "avx2" ? Level::v3 : Level::v4;
}

}  // namespace

template <typename Real>
const Functions<Real>& functions() {
  static const Functions<Real>& chosen = []() -> const Functions<Real>& {
#if defined(UNROLL_KERNEL_X86)
    const Level machine = level_of_machine(), asked = level_asked_for();
    const Level level = machine < asked ? machine : asked;
    if (level == Level::v4) {
      return v4::table<Real>();
    }
    if (level == Level::v3) {
      return v3::table<Real>();
    }
#endif
    return baseline::table<Real>();
  }();
  return chosen;
}

template const Functions<float>& functions<float>();
template const Functions<double>& functions<double>();

const char* instruction_set() { return functions<float>().name; }

}  // namespace unroll::kernel
