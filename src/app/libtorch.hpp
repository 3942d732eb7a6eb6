#pragma once
// Where LibTorch is when unroll-worker starts. It is not linked by `unroll` and may have moved since the build.
#include <optional>
#include <string>

namespace unroll::app {

struct LibTorch {
  std::string folder;   // holds lib/libtorch_cpu.so
  std::string version;  // "2.11.0+cu130"; empty when the folder does not say
};

/// The LibTorch in a folder (a wheel's torch/, or an unpacked libtorch/); nullopt when there is none.
[[nodiscard]] std::optional<LibTorch> libtorch_in(const std::string& folder);

/// The first of UNROLL_TORCH, the wheel of the python3 in PATH, and the one that the build used, if it is still there,
/// whose release is the one that unroll-worker was built with. UsageError: none is (naming what was found), or
/// UNROLL_TORCH is set and is not.
[[nodiscard]] LibTorch find_libtorch();

}  // namespace unroll::app
