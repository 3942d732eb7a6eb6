#include "unroll/base/random.hpp"

#include <cmath>
#include <numbers>

namespace unroll {
namespace {

constexpr std::uint64_t mix(std::uint64_t x) {  // the finaliser of splitmix64 (Steele, Lea, Flood, OOPSLA 2014)
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

constexpr std::uint64_t fnv1a(std::string_view text) {
  std::uint64_t hash = 0xCBF29CE484222325u;
  for (const char c : text) {
    hash = (hash ^ static_cast<std::uint8_t>(c)) * 0x100000001B3u;
  }
  return hash;
}

constexpr std::uint32_t low(std::uint64_t x) { return static_cast<std::uint32_t>(x); }
constexpr std::uint32_t high(std::uint64_t x) { return static_cast<std::uint32_t>(x >> 32); }

std::uint64_t pair(std::uint32_t first, std::uint32_t second) { return (std::uint64_t{second} << 32) | first; }

constexpr double kTwoToMinus53 = 0x1p-53;

}  // namespace

std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t product0 = std::uint64_t{0xD2511F53u} * counter[0];
    const std::uint64_t product1 = std::uint64_t{0xCD9E8D57u} * counter[2];
    counter = {high(product1) ^ counter[1] ^ key[0], low(product1), high(product0) ^ counter[3] ^ key[1],
               low(product0)};
    key[0] += 0x9E3779B9u;
    key[1] += 0xBB67AE85u;
  }
  return counter;
}

RandomStream::RandomStream(std::uint64_t seed, std::string_view purpose) {
  const std::uint64_t key = mix(mix(seed) ^ fnv1a(purpose));
  key_ = {low(key), high(key)};
}

std::uint64_t RandomStream::bits(std::uint64_t a, std::uint64_t b) const {
  const auto block = philox4x32({low(a), high(a), low(b), high(b)}, key_);
  return pair(block[0], block[1]);
}

double RandomStream::uniform(std::uint64_t a, std::uint64_t b) const {
  return static_cast<double>(bits(a, b) >> 11) * kTwoToMinus53;
}

double RandomStream::normal(std::uint64_t a, std::uint64_t b) const {
  const auto block = philox4x32({low(a), high(a), low(b), high(b)}, key_);
  const double radius_uniform = static_cast<double>((pair(block[0], block[1]) >> 11) + 1) * kTwoToMinus53;  // (0, 1]
  const double angle_uniform = static_cast<double>(pair(block[2], block[3]) >> 11) * kTwoToMinus53;
  return std::sqrt(-2.0 * std::log(radius_uniform)) * std::cos(2.0 * std::numbers::pi * angle_uniform);
}

}  // namespace unroll
