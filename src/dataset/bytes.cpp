#include <algorithm>
#include <filesystem>

#include "byte_stream.hpp"
#include "readers.hpp"
#include "unroll/base/error.hpp"
#include "unroll/base/text.hpp"

namespace unroll::dataset {
namespace {

constexpr std::size_t kPieceBytes = std::size_t{1} << 20;

}  // namespace

std::vector<std::uint8_t> read_bytes(const std::string& path, std::size_t max_bytes) {
  ByteStream stream(path);
  std::vector<std::uint8_t> bytes;
  for (;;) {
    const std::size_t filled = bytes.size();
    if (filled > max_bytes) {
      throw UsageError(path + ": holds more than the " + std::to_string(max_bytes) + " bytes that fit this data set");
    }
    bytes.resize(filled + std::min(kPieceBytes, max_bytes + 1 - filled));
    const std::size_t count = stream.read(std::span(bytes).subspan(filled));
    bytes.resize(filled + count);
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
