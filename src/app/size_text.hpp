#pragma once
#include <cstdint>
#include <string>

namespace unroll::app {

/// Bytes of "20G", "1.5 TB", "500M", "64KiB" or "1000000": a number > 0 and a unit. k, M, G, T are powers of 1000, Ki,
/// Mi, Gi, Ti of 1024; case does not matter, nor does a B behind. UsageError names option and value.
[[nodiscard]] std::uint64_t parse_size(const std::string& option, const std::string& text);

/// "20 GB", "1.5 GB", "512 B": three digits at most.
[[nodiscard]] std::string size_text(double bytes);

}  // namespace unroll::app
