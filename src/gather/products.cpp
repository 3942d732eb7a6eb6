#include "gather/products.hpp"

#include "unroll/base/instruction_set.hpp"

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
  switch (instruction_set()) {
    case InstructionSet::v4:
      return {v4::add_products, "avx512"};
    case InstructionSet::v3:
      return {v3::add_products, "avx2"};
    case InstructionSet::baseline:
      break;
  }
#endif
  return {baseline::add_products, "baseline"};
}

}  // namespace

AddProducts add_products() { return best_build().function; }
const char* product_instruction_set() { return best_build().name; }

}  // namespace unroll::gather
