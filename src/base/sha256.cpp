#include "unroll/base/sha256.hpp"

#include <algorithm>
#include <bit>
#include <functional>

#include "sha256_blocks.hpp"

namespace unroll {
namespace {

std::uint32_t load_big_endian(const std::uint8_t* p) {
  return (std::uint32_t{p[0]} << 24) | (std::uint32_t{p[1]} << 16) | (std::uint32_t{p[2]} << 8) | p[3];
}

/// Chosen once, by what the processor can do.
Sha256Blocks fastest() {
  static const Sha256Blocks chosen = sha256_blocks_x86() != nullptr ? sha256_blocks_x86() : sha256_blocks_portable;
  return chosen;
}

void process_portable(Sha256State& state, const std::uint8_t* block) {
  std::array<std::uint32_t, 64> w;
  for (std::size_t t = 0; t < 16; ++t) {
    w[t] = load_big_endian(block + 4 * t);
  }
  for (std::size_t t = 16; t < 64; ++t) {
    const std::uint32_t s0 = std::rotr(w[t - 15], 7) ^ std::rotr(w[t - 15], 18) ^ (w[t - 15] >> 3);
    const std::uint32_t s1 = std::rotr(w[t - 2], 17) ^ std::rotr(w[t - 2], 19) ^ (w[t - 2] >> 10);
    w[t] = w[t - 16] + s0 + w[t - 7] + s1;
  }

  auto [a, b, c, d, e, f, g, h] = state;
  for (std::size_t t = 0; t < 64; ++t) {
    const std::uint32_t sum1 = std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25);
    const std::uint32_t temporary1 = h + sum1 + ((e & f) ^ (~e & g)) + kSha256Round[t] + w[t];
    const std::uint32_t sum0 = std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22);
    const std::uint32_t temporary2 = sum0 + ((a & b) ^ (a & c) ^ (b & c));
    h = g;
    g = f;
    f = e;
    e = d + temporary1;
    d = c;
    c = b;
    b = a;
    a = temporary1 + temporary2;
  }
  const std::array<std::uint32_t, 8> sums = {a, b, c, d, e, f, g, h};
  std::transform(state.begin(), state.end(), sums.begin(), state.begin(), std::plus<>{});
}

}  // namespace

void sha256_blocks_portable(Sha256State& state, const std::uint8_t* blocks, std::size_t num_blocks) {
  for (; num_blocks > 0; --num_blocks, blocks += 64) {
    process_portable(state, blocks);
  }
}

Sha256::Sha256()
    : state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19} {}

void Sha256::update(std::span<const std::byte> bytes) {
  const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
  std::size_t left = bytes.size();
  const std::size_t filled = size_bytes_ % block_.size();
  size_bytes_ += left;
  if (filled > 0) {
    const std::size_t taken = std::min(left, block_.size() - filled);
    std::copy_n(data, taken, block_.data() + filled);
    data += taken;
    left -= taken;
    if (filled + taken < block_.size()) {
      return;
    }
    fastest()(state_, block_.data(), 1);
  }
  fastest()(state_, data, left / block_.size());
  std::copy_n(data + left / block_.size() * block_.size(), left % block_.size(), block_.data());
}

void Sha256::update(std::string_view text) { update(std::as_bytes(std::span(text.data(), text.size()))); }

std::string Sha256::hex_digest() {
  const std::uint64_t size_bits = size_bytes_ * 8;
  std::array<std::uint8_t, 72> padding{0x80};
  const std::size_t filled = size_bytes_ % block_.size();
  const std::size_t num_padding = (filled < 56 ? 56 : 120) - filled;
  for (std::size_t i = 0; i < 8; ++i) {
    padding[num_padding + i] = static_cast<std::uint8_t>(size_bits >> (56 - 8 * i));
  }
  update(std::as_bytes(std::span(padding.data(), num_padding + 8)));

  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const std::uint32_t word : state_) {
    for (int shift = 28; shift >= 0; shift -= 4) {
      text += kDigits[(word >> shift) & 15];
    }
  }
  return text;
}

std::string sha256(std::string_view text) { return sha256(std::as_bytes(std::span(text.data(), text.size()))); }

std::string sha256(std::span<const std::byte> bytes) {
  Sha256 hash;
  hash.update(bytes);
  return hash.hex_digest();
}

}  // namespace unroll
