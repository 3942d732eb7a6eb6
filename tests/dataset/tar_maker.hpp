#pragma once
// Tar archives in memory, right and wrong ones.
#include <algorithm>
#include <array>
#include <cstdio>
#include <string>
#include <string_view>

namespace unroll::test {

using TarHeader = std::array<char, 512>;

inline void put(TarHeader& header, std::size_t offset, std::string_view text) {
  std::copy(text.begin(), text.end(), header.begin() + static_cast<std::ptrdiff_t>(offset));
}

inline void seal(TarHeader& header) {
  put(header, 148, "        ");
  unsigned sum = 0;
  for (const char byte : header) {
    sum += static_cast<unsigned char>(byte);
  }
  std::array<char, 8> text{};
  std::snprintf(text.data(), text.size(), "%06o", sum);
  put(header, 148, std::string_view(text.data(), 7));
}

/// A GNU header, its checksum set.
inline TarHeader tar_header(const std::string& name, std::size_t size, char type = '0') {
  TarHeader header{};
  put(header, 0, name);
  put(header, 100, "0000644");
  std::array<char, 13> octal{};
  std::snprintf(octal.data(), octal.size(), "%011zo", size);
  put(header, 124, std::string_view(octal.data(), 11));
  header[156] = type;
  put(header, 257, std::string_view("ustar  \0", 8));
  seal(header);
  return header;
}

inline std::string tar_entry(const TarHeader& header, const std::string& content) {
  return std::string(header.data(), header.size()) + content + std::string((512 - content.size() % 512) % 512, '\0');
}
inline std::string tar_entry(const std::string& name, const std::string& content, char type = '0') {
  return tar_entry(tar_header(name, content.size(), type), content);
}

inline std::string tar_end() { return std::string(1024, '\0'); }

}  // namespace unroll::test
