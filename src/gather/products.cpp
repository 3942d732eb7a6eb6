#include "gather/products.hpp"

#include <cstdlib>
#include <string_view>

namespace unroll::gather {

namespace baseline {
void add_products(std::int64_t num_tiles, const double* rows, std::int64_t length, double* sums);
}
#if defined(UNROLL_GATHER_X86)
namespace v3 {
void add_products(std::int64_t num_tiles, const double* rows, std::int64_t length, double* sums);
}
namespace v4 {
void add_products(std::int64_t num_tiles, const double* rows, std::int64_t length, double* sums);
}
#endif

namespace {

struct Build {
  AddProducts function;
  const char* name;
};

Build best_build() {
#if defined(UNROLL_GATHER_X86)
  const char* pinned = std::getenv("ATEN_CPU_CAPABILITY");
  const std::string_view highest = pinned != nullptr ? pinned : "avx512";
  if (highest == "default") {
    return {baseline::add_products, "baseline"};
  }
  if (highest != "avx2" && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512cd")) {
    return {v4::add_products, "avx512"};
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2")) {
    return {v3::add_products, "avx2"};
  }
#endif
  return {baseline::add_products, "baseline"};
}

}  // namespace

AddProducts add_products() { return best_build().function; }
const char* product_instruction_set() { return best_build().name; }

}  // namespace unroll::gather
