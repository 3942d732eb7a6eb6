// IDX files of MNIST and Fashion-MNIST: big-endian magic (0, 0, 8 = unsigned byte, number of dimensions), extents,
// bytes.
#include <algorithm>
#include <span>

#include "readers.hpp"
#include "unroll/base/error.hpp"

namespace unroll::dataset {
namespace {

constexpr std::uint32_t kImagesMagic = 0x803;
constexpr std::uint32_t kLabelsMagic = 0x801;
constexpr std::uint32_t kSide = 28;
constexpr std::int64_t kNumClasses = 10;
constexpr std::size_t kMaxFileBytes = std::size_t{1} << 30;

std::uint32_t big_endian(std::span<const std::uint8_t> bytes, std::size_t at) {
  return std::uint32_t{bytes[at]} << 24 | std::uint32_t{bytes[at + 1]} << 16 | std::uint32_t{bytes[at + 2]} << 8 |
         std::uint32_t{bytes[at + 3]};
}

// The bytes after the header, which must say `magic` and then extents whose product is what follows.
std::vector<std::uint8_t> read_body(const std::string& path, std::uint32_t magic) {
  std::vector<std::uint8_t> bytes = read_bytes(path, kMaxFileBytes);
  const std::size_t num_extents = magic & 0xff;
  const std::size_t header = 4 * (1 + num_extents);
  if (bytes.size() < header || big_endian(bytes, 0) != magic) {
    throw UsageError(path + ": does not start with the IDX magic number " + std::to_string(magic) +
                     "; it is another file or damaged");
  }
  const std::size_t row_bytes = num_extents == 3 ? kSide * kSide : 1;
  if (num_extents == 3 && (big_endian(bytes, 8) != kSide || big_endian(bytes, 12) != kSide)) {
    throw UsageError(path + ": images are " + std::to_string(big_endian(bytes, 8)) + " x " +
                     std::to_string(big_endian(bytes, 12)) + ", must be 28 x 28");
  }
  const std::size_t expected = header + row_bytes * big_endian(bytes, 4);
  if (bytes.size() != expected || big_endian(bytes, 4) == 0) {
    throw UsageError(path + ": has " + std::to_string(bytes.size()) + " bytes where its header of " +
                     std::to_string(big_endian(bytes, 4)) + " rows asks for " + std::to_string(expected) +
                     "; fetch it again");
  }
  bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(header));
  return bytes;
}

std::string find_idx(const std::string& folder, const std::string& stem, const std::string& kind) {
  const std::string name = stem + "-" + kind + "-ubyte";
  return find_in(folder, {name, name + ".gz"});
}

Part read_part(const std::string& folder, const std::string& stem) {
  const std::string images_path = find_idx(folder, stem, "images-idx3");
  const std::string labels_path = find_idx(folder, stem, "labels-idx1");
  std::vector<std::uint8_t> images = read_body(images_path, kImagesMagic);
  const std::vector<std::uint8_t> labels = read_body(labels_path, kLabelsMagic);
  if (labels.size() * kSide * kSide != images.size()) {
    throw UsageError(labels_path + ": has " + std::to_string(labels.size()) + " labels for the " +
                     std::to_string(images.size() / (kSide * kSide)) + " images of " + images_path);
  }
  const auto bad = std::find_if(labels.begin(), labels.end(), [](std::uint8_t label) { return label >= kNumClasses; });
  if (bad != labels.end()) {
    throw UsageError(labels_path + ": label " + std::to_string(*bad) + " of row " +
                     std::to_string(bad - labels.begin()) + " is out of range 0..9");
  }
  return {std::move(images), {labels.begin(), labels.end()}};
}

}  // namespace

Raw read_idx(const config::Settings::Data& data) {
  require_folder(data);
  Raw raw;
  raw.shape = {1, kSide, kSide};
  raw.num_classes = kNumClasses;
  raw.train = read_part(data.path, "train");
  raw.test = read_part(data.path, "t10k");
  raw.scale = 1.0 / 255;
  const bool is_mnist = data.dataset == config::Dataset::mnist;
  raw.mean = {is_mnist ? 0.1307 : 0.2860};
  raw.std_dev = {is_mnist ? 0.3081 : 0.3530};
  return raw;
}

}  // namespace unroll::dataset
