// Compiled without any sanitizer: it must not call itself.
#include "coverage.hpp"

#include <sys/mman.h>

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

extern "C" const char __executable_start;  // by the linker; addresses relative to it are the same in every process

namespace {

constexpr std::size_t kMapSize = std::size_t{1} << 16;
unsigned char* counts = nullptr;  // how often each place was reached in this run, up to 255
std::array<unsigned char, kMapSize> seen{};
std::size_t edges = 0;

}  // namespace

extern "C" void __sanitizer_cov_trace_pc() {
  if (counts == nullptr) {
    return;
  }
  const auto here = reinterpret_cast<std::uintptr_t>(__builtin_return_address(0)) -
                    reinterpret_cast<std::uintptr_t>(&__executable_start);
  unsigned char& count = counts[(here * 0x9E3779B97F4A7C15u) >> 48];
  count = static_cast<unsigned char>(count + (count < 255 ? 1 : 0));
}

namespace unroll::fuzz {

void start_coverage() {
  void* map = mmap(nullptr, kMapSize, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  counts = map == MAP_FAILED ? nullptr : static_cast<unsigned char*>(map);
}

bool fold_coverage() {
  bool is_new = false;
  for (std::size_t i = 0; counts != nullptr && i < kMapSize; ++i) {
    std::uint64_t eight = 0;
    if (i % sizeof eight == 0) {  // most of the map is zeros
      std::memcpy(&eight, counts + i, sizeof eight);
      i += eight == 0 ? sizeof eight - 1 : 0;
    }
    if (counts[i] == 0) {
      continue;
    }
    const auto bucket = static_cast<unsigned char>(1u << (std::bit_width(counts[i]) - 1u));
    edges += seen[i] == 0 ? 1 : 0;
    is_new = is_new || (seen[i] & bucket) == 0;
    seen[i] = static_cast<unsigned char>(seen[i] | bucket);
    counts[i] = 0;
  }
  return is_new;
}

std::size_t num_edges() { return edges; }

}  // namespace unroll::fuzz
