#include "unroll/execute/numerics.hpp"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <cpuid.h>
#include <malloc.h>
#include <torch/version.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "unroll/base/sha256.hpp"
#include "unroll/kernel/mlp.hpp"

namespace unroll::execute {
namespace {

std::string cpu_vendor() {
  unsigned int eax = 0, ebx = 0, ecx = 0, edx = 0;
  if (__get_cpuid(0, &eax, &ebx, &ecx, &edx) == 0) {
    return "unknown";
  }
  std::array<char, 12> text{};
  std::memcpy(text.data(), &ebx, 4);
  std::memcpy(text.data() + 4, &edx, 4);
  std::memcpy(text.data() + 8, &ecx, 4);
  return {text.begin(), text.end()};
}

/// Family and model, as math libraries choose kernels by them; left out where MKL_CBWR pins the choice.
std::string cpu_model() {
  unsigned int eax = 0, ebx = 0, ecx = 0, edx = 0;
  if (std::getenv("MKL_CBWR") != nullptr || __get_cpuid(1, &eax, &ebx, &ecx, &edx) == 0) {
    return "";
  }
  const unsigned int family = (eax >> 8 & 15) + (eax >> 20 & 255);
  const unsigned int model = (eax >> 4 & 15) + (eax >> 12 & 240);
  return std::string("-").append(std::to_string(family)).append("-").append(std::to_string(model));
}

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? std::string(";") + name + "=" + value : "";
}

/// Large blocks come from the heap and stay with the process when they are freed: a step's activations touch no fresh
/// pages, which the system would have to clear each time.
void keep_freed_memory() {
#ifdef __GLIBC__
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max());
  mallopt(M_TOP_PAD, 64 << 20);
#endif
}

}  // namespace

void set_up_numerics(std::int64_t threads, bool tf32) {
  keep_freed_memory();
  setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", 0);  // cuBLAS is deterministic with a workspace of its own
  at::set_num_threads(static_cast<int>(threads));
  at::globalContext().setDeterministicAlgorithms(true, false);
  at::globalContext().setDeterministicFillUninitializedMemory(false);
  at::globalContext().setFloat32MatmulPrecision("highest");
  at::globalContext().setDeterministicCuDNN(true);
  at::globalContext().setBenchmarkCuDNN(false);
  at::globalContext().setAllowTF32CuBLAS(tf32);
  at::globalContext().setAllowTF32CuDNN(tf32);
}

std::string numerics_key(std::int64_t threads, bool tf32, const std::string& gpu) {
  return std::string("unroll=") + UNROLL_VERSION + ";torch=" + TORCH_VERSION +
         ";build=" + sha256(at::show_config()).substr(0, 12) + ";cpu=" + cpu_vendor() + cpu_model() +
         ";isa=" + at::get_cpu_capability() + "/" + kernel::instruction_set() + ";threads=" + std::to_string(threads) +
         ";deterministic=1" + (gpu.empty() ? "" : ";gpu=" + gpu + (tf32 ? ";tf32=1" : "")) +
         variable("CUBLAS_WORKSPACE_CONFIG") + variable("ATEN_CPU_CAPABILITY") + variable("ONEDNN_MAX_CPU_ISA") +
         variable("MKL_CBWR");
}

}  // namespace unroll::execute
