#include "kernel/functions.hpp"

#include "unroll/base/instruction_set.hpp"

namespace unroll::kernel {
template <typename Real>
const Functions<Real>& functions() {
  static const Functions<Real>& chosen = []() -> const Functions<Real>& {
#if defined(UNROLL_KERNEL_X86)
    switch (unroll::instruction_set()) {
      case InstructionSet::v4:
        return v4::table<Real>();
      case InstructionSet::v3:
        return v3::table<Real>();
      case InstructionSet::baseline:
        break;
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
