#include "sealed.hpp"

#include <cstdio>

#include "journal.hpp"

namespace unroll::store {
namespace {

constexpr std::string_view kTail = "crc32=";
constexpr std::size_t kTailSize = kTail.size() + 8 + 1;

std::string seal_of(std::string_view text) { return std::string(kTail) + hex8(crc32(text)) + '\n'; }

}  // namespace

std::string hex8(std::uint32_t value) {
  char text[9];
  std::snprintf(text, sizeof text, "%08x", value);
  return text;
}

std::string sealed(std::string text) {
  text += seal_of(text);
  return text;
}

std::optional<std::string_view> unsealed(std::string_view text) {
  if (text.size() < kTailSize) {
    return std::nullopt;
  }
  const std::string_view body = text.substr(0, text.size() - kTailSize);
  return text.substr(body.size()) == seal_of(body) ? std::optional(body) : std::nullopt;
}

}  // namespace unroll::store
