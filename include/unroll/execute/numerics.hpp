#pragma once
// The numerics key: what a result's bits depend on beside the plan (DESIGN 1).
#include <cstdint>
#include <string>

namespace unroll::execute {

/// Sets LibTorch's threads and determinism for this process, and lets it keep the memory it frees; call once, before
/// any tensor work. tf32: run.tf32, of GPUs.
void set_up_numerics(std::int64_t threads, bool tf32);

/// "unroll=0.1.0;torch=2.11.0;build=<hash of LibTorch's build and
/// libraries>;cpu=AuthenticAMD-25-17;isa=AVX512;threads=1;...". gpu: Placement::numerics.
[[nodiscard]] std::string numerics_key(std::int64_t threads, bool tf32, const std::string& gpu);

}  // namespace unroll::execute
