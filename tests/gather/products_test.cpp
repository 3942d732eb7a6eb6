#include "gather/products.hpp"

#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

#include "gather/rows.hpp"
#include "support/catch.hpp"

using namespace unroll::gather;

namespace {

/// One way of one pair, as products.hpp promises it.
double chain(const double* a, const double* b, std::int64_t length, std::int64_t way) {
  double sum = 0;
  for (std::int64_t k = way; k < length; k += kSumWays) {
    sum = std::fma(a[k], b[k], sum);
  }
  return sum;
}

struct Buffer {
  explicit Buffer(std::int64_t count) : memory(static_cast<std::size_t>(count) + 8) {
    const auto address = reinterpret_cast<std::uintptr_t>(memory.data());
    start = memory.data() + (64 - address % 64) % 64 / sizeof(double);
  }
  std::vector<double> memory;
  double* start;
};

}  // namespace

TEST_CASE("each build gives every pair the bits of its chain of fused multiply-adds") {
  const char* kept = std::getenv("ATEN_CPU_CAPABILITY");
  const std::string before = kept != nullptr ? kept : "";
  for (const char* highest : {"default", "avx2", "avx512"}) {
    setenv("ATEN_CPU_CAPABILITY", highest, 1);
    INFO(product_instruction_set());
    for (const std::int64_t num_tiles : {1, 3}) {
      Buffer rows(num_tiles * kTile * kStride), sums(num_sums(num_tiles));
      for (std::int64_t i = 0; i < num_tiles * kTile * kStride; ++i) {
        rows.start[i] = unroll::gather::test::noise(1, static_cast<std::uint64_t>(i));
      }

      add_products()(num_tiles, rows.start, kChunk, sums.start);
      add_products()(num_tiles, rows.start, 24, sums.start);

      for (std::int64_t i = 0; i < num_tiles * kTile; ++i) {
        for (std::int64_t j = i; j < num_tiles * kTile; ++j) {
          for (std::int64_t way = 0; way < kSumWays; ++way) {
            const double *a = rows.start + i * kStride, *b = rows.start + j * kStride;
            REQUIRE(sums.start[sums_of_pair(num_tiles, i, j) + way] == chain(a, b, kChunk, way) + chain(a, b, 24, way));
          }
        }
      }
    }
  }
  before.empty() ? unsetenv("ATEN_CPU_CAPABILITY") : setenv("ATEN_CPU_CAPABILITY", before.c_str(), 1);
}
