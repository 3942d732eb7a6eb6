#pragma once
// Small texts whose last line is a CRC-32 of all before it: "crc32=<8 hexadecimal digits>".
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace unroll::store {

/// Eight digits.
[[nodiscard]] std::string hex8(std::uint32_t value);

/// The text, which ends with a line end, and its seal.
[[nodiscard]] std::string sealed(std::string text);
/// What was sealed; nullopt: a bit of it is not as it was written.
[[nodiscard]] std::optional<std::string_view> unsealed(std::string_view text);

}  // namespace unroll::store
