#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "readers.hpp"
#include "unroll/base/error.hpp"
#include "unroll/base/handle.hpp"
#include "unroll/base/text.hpp"

namespace unroll::dataset {
namespace {

constexpr std::size_t kPieceBytes = std::size_t{1} << 20;

struct GzipTraits {
  using Type = gzFile;
  static Type null() noexcept { return nullptr; }
  static void close(Type file) noexcept { gzclose_r(file); }
};

}  // namespace

std::vector<std::uint8_t> read_bytes(const std::string& path, std::size_t max_bytes) {
  UniqueHandle<GzipTraits> file(gzopen(path.c_str(), "rb"));  // reads files that are not gzip as they are
  if (!file) {
    throw UsageError(path + ": cannot be opened: " + std::strerror(errno));
  }
  std::vector<std::uint8_t> bytes;
  for (;;) {
    const std::size_t filled = bytes.size();
    if (filled > max_bytes) {
      throw UsageError(path + ": holds more than the " + std::to_string(max_bytes) + " bytes that fit this data set");
    }
    bytes.resize(filled + std::min(kPieceBytes, max_bytes + 1 - filled));
    const int count = gzread(file.get(), bytes.data() + filled, static_cast<unsigned>(bytes.size() - filled));
    int code = Z_OK;
    const char* words = gzerror(file.get(), &code);
    if (count < 0 || (code != Z_OK && code != Z_STREAM_END)) {  // a cut gzip stream ends in Z_BUF_ERROR
      throw UsageError(path + ": is damaged or cut short (" + printable(words) + "); fetch it again");
    }
    bytes.resize(filled + static_cast<std::size_t>(count));
    if (count == 0) {
      return bytes;
    }
  }
}

std::string find_in(const std::string& folder, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    const std::filesystem::path path = std::filesystem::path(folder) / name;
    std::error_code error;
    if (std::filesystem::is_regular_file(path, error)) {
      return path.string();
    }
  }
  throw UsageError("data.path = " + folder + ": there is no file " + join(names, " or ") + " in it");
}

void require_folder(const config::Settings::Data& data) {
  const std::string name = name_of(data.dataset);
  if (data.path.empty()) {
    throw UsageError("data.path is not set: data.dataset = " + name + " needs the folder that holds its files");
  }
  std::error_code error;
  if (!std::filesystem::is_directory(data.path, error)) {
    throw UsageError("data.path = " + data.path + ": there is no such folder; data.dataset = " + name +
                     " needs the folder that holds its files");
  }
}

}  // namespace unroll::dataset
