#pragma once
// The bytes of a file from front to back, unpacked where it is gzip.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace unroll::dataset {

class ByteStream {
 public:
  /// UsageError: the file cannot be opened.
  explicit ByteStream(std::string path);
  ~ByteStream();
  ByteStream(ByteStream&&) noexcept;
  ByteStream& operator=(ByteStream&&) noexcept;

  [[nodiscard]] const std::string& path() const { return path_; }
  /// Fills `bytes` as far as the file goes; fewer than asked for only at its end. UsageError: cannot be read, damaged.
  std::size_t read(std::span<std::uint8_t> bytes);

 private:
  struct File;
  std::string path_;
  std::unique_ptr<File> file_;
};

}  // namespace unroll::dataset
