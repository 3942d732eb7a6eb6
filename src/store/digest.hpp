#pragma once
// The digest that goes with a file's name in journals and messages: "size:sha256".
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "unroll/base/sha256.hpp"

namespace unroll::store {

inline std::string digest_text(std::uint64_t size_bytes, const std::string& sha) {
  return std::to_string(size_bytes) + ':' + sha;
}

inline std::string digest_of(const std::vector<std::byte>& image) {
  return digest_text(image.size(), sha256(std::span<const std::byte>(image)));
}

}  // namespace unroll::store
