#pragma once
// The entries of a tar archive (ustar or GNU, plain or gzip) in their order, for reading only: no path of an archive is
// ever opened or written. Strict: every header's checksum and numbers must be right, the archive must end as the format
// says, and unpacks to at most 2 GiB. UsageError, one line with the archive's path, for anything else.
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "byte_stream.hpp"

namespace unroll::dataset {

struct TarEntry {
  std::string name;
  std::uint64_t size = 0;
  bool is_file = false;  // a regular one; else a folder or a link, of size 0
};

class TarReader {
 public:
  explicit TarReader(const std::string& path);

  /// The next entry; none at the end of the archive.
  [[nodiscard]] std::optional<TarEntry> next();
  /// The content of the entry that next() gave last; once.
  [[nodiscard]] std::string content();

 private:
  static constexpr std::size_t kBlock = 512;
  using Block = std::array<std::uint8_t, kBlock>;

  [[noreturn]] void refuse(const std::string& why) const;
  void read(std::span<std::uint8_t> bytes);
  void check_end();
  [[nodiscard]] std::uint64_t size_of(const Block& header, const std::string& name) const;
  /// Content of an entry that says something about the next one.
  [[nodiscard]] std::string note(std::uint64_t size);
  [[nodiscard]] std::string take(std::uint64_t size);
  void skip();

  ByteStream stream_;
  std::uint64_t num_read_ = 0;
  std::uint64_t unread_ = 0;   // content of the last entry that was not taken
  std::uint64_t padding_ = 0;  // what follows it, up to a whole block
};

}  // namespace unroll::dataset
