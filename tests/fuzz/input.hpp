#pragma once
// Choices made by the bytes of an input, and files that exist in memory only.
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>

namespace unroll::fuzz {

class Bytes {
 public:
  Bytes(const std::uint8_t* data, std::size_t size) : left_(data, size) {}

  [[nodiscard]] bool empty() const { return left_.empty(); }
  std::uint8_t byte() {
    if (left_.empty()) {
      return 0;
    }
    const std::uint8_t value = left_.front();
    left_ = left_.subspan(1);
    return value;
  }
  std::size_t below(std::size_t end) { return byte() % end; }
  std::int64_t integer() {
    std::uint64_t value = 0;
    for (int i = 0; i < 8; ++i) {
      value = value << 8 | byte();
    }
    return static_cast<std::int64_t>(value);
  }
  std::string text(std::size_t max_size) {
    std::string result;
    for (std::size_t left = below(max_size + 1); left > 0; --left) {
      result += static_cast<char>(byte());
    }
    return result;
  }

 private:
  std::span<const std::uint8_t> left_;
};

/// A path that can be opened any number of times, here and in child processes.
class MemoryPath {
 public:
  explicit MemoryPath(std::string_view bytes) : descriptor_(memfd_create("fuzz", 0)) {
    if (descriptor_ < 0 || ::write(descriptor_, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) {
      std::abort();
    }
  }
  ~MemoryPath() { close(descriptor_); }
  MemoryPath(const MemoryPath&) = delete;
  MemoryPath& operator=(const MemoryPath&) = delete;
  [[nodiscard]] std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

inline std::string_view as_text(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// What must hold whatever the input is.
inline void require(bool holds, const char* claim) {
  if (!holds) {
    std::fprintf(stderr, "not true: %s\n", claim);
    std::abort();
  }
}

}  // namespace unroll::fuzz
