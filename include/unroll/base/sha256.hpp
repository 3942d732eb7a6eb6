#pragma once
// SHA-256 (FIPS 180-4): the content hash behind every id, digest and checksum of the program.
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace unroll {

class Sha256 {
 public:
  Sha256();
  void update(std::span<const std::byte> bytes);
  void update(std::string_view text);
  /// Ends the hash; returns 64 lower-case hexadecimal digits. The object must not be used afterwards.
  [[nodiscard]] std::string hex_digest();

 private:
  std::array<std::uint32_t, 8> state_;
  std::array<std::uint8_t, 64> block_{};
  std::uint64_t size_bytes_ = 0;
};

/// 64 hexadecimal digits of the text's SHA-256.
[[nodiscard]] std::string sha256(std::string_view text);
[[nodiscard]] std::string sha256(std::span<const std::byte> bytes);

}  // namespace unroll
