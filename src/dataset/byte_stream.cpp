#include "byte_stream.hpp"

#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "unroll/base/error.hpp"
#include "unroll/base/handle.hpp"
#include "unroll/base/text.hpp"

namespace unroll::dataset {
namespace {

constexpr std::size_t kPieceBytes = std::size_t{1} << 20;  // of one call of zlib
constexpr unsigned kBufferBytes = 1U << 17;

struct GzipTraits {
  using Type = gzFile;
  static Type null() noexcept { return nullptr; }
  static void close(Type file) noexcept { gzclose_r(file); }
};

}  // namespace

struct ByteStream::File {
  UniqueHandle<GzipTraits> handle;
};

ByteStream::ByteStream(std::string path)
    : path_(std::move(path)),
      // Files that are not gzip are read as they are.
      file_(std::make_unique<File>(File{UniqueHandle<GzipTraits>(gzopen(path_.c_str(), "rb"))})) {
  if (!file_->handle) {
    throw UsageError(path_ + ": cannot be opened: " + std::strerror(errno));
  }
  gzbuffer(file_->handle.get(), kBufferBytes);
}

ByteStream::~ByteStream() = default;
ByteStream::ByteStream(ByteStream&&) noexcept = default;
ByteStream& ByteStream::operator=(ByteStream&&) noexcept = default;

std::size_t ByteStream::read(std::span<std::uint8_t> bytes) {
  const gzFile file = file_->handle.get();
  std::size_t filled = 0;
  while (filled < bytes.size()) {
    const auto wanted = static_cast<unsigned>(std::min(kPieceBytes, bytes.size() - filled));
    const int count = gzread(file, bytes.data() + filled, wanted);
    int code = Z_OK;
    const char* words = gzerror(file, &code);
    if (count < 0 || (code != Z_OK && code != Z_STREAM_END)) {  // a cut gzip stream ends in Z_BUF_ERROR
      throw UsageError(path_ + ": is damaged or cut short (" + printable(words) + "); fetch it again");
    }
    if (count == 0) {
      break;
    }
    filled += static_cast<std::size_t>(count);
  }
  return filled;
}

}  // namespace unroll::dataset
