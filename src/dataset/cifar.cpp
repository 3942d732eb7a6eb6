// CIFAR's binary rows: one label byte (CIFAR-100: coarse, then fine), then 3,072 bytes, red, green, blue by row.
#include <filesystem>

#include "readers.hpp"
#include "unroll/base/error.hpp"

namespace unroll::dataset {
namespace {

constexpr std::size_t kImageBytes = 3 * 32 * 32;
constexpr std::size_t kMaxFileBytes = std::size_t{1} << 30;

struct Format {
  std::vector<std::int64_t> classes_of_byte;  // number of classes of each label byte of a row
  std::size_t label_byte = 0;                 // the one that is used
  [[nodiscard]] std::size_t row_bytes() const { return classes_of_byte.size() + kImageBytes; }
};

void append_rows(const std::string& path, const Format& format, Part& part) {
  const std::vector<std::uint8_t> bytes = read_bytes(path, kMaxFileBytes);
  if (bytes.empty() || bytes.size() % format.row_bytes() != 0) {
    throw UsageError(path + ": has " + std::to_string(bytes.size()) + " bytes, must be a whole number of rows of " +
                     std::to_string(format.row_bytes()) + " bytes; fetch it again");
  }
  auto& inputs = std::get<std::vector<std::uint8_t>>(part.inputs);
  for (std::size_t begin = 0; begin < bytes.size(); begin += format.row_bytes()) {
    for (std::size_t i = 0; i < format.classes_of_byte.size(); ++i) {
      if (bytes[begin + i] >= format.classes_of_byte[i]) {
        throw UsageError(path + ": label " + std::to_string(bytes[begin + i]) + " of row " +
                         std::to_string(begin / format.row_bytes()) + " is out of range 0.." +
                         std::to_string(format.classes_of_byte[i] - 1));
      }
    }
    part.labels.push_back(bytes[begin + format.label_byte]);
    const auto image = bytes.begin() + static_cast<std::ptrdiff_t>(begin + format.classes_of_byte.size());
    inputs.insert(inputs.end(), image, image + kImageBytes);
  }
}

Part read_files(const std::vector<std::string>& paths, const Format& format) {
  Part part;
  for (const std::string& path : paths) {
    append_rows(path, format, part);
  }
  return part;
}

// data_batch_1.bin .. data_batch_5.bin, those that are there.
std::vector<std::string> train_batches(const std::string& folder) {
  std::vector<std::string> paths;
  for (int i = 1; i <= 5; ++i) {
    const std::filesystem::path path = std::filesystem::path(folder) / ("data_batch_" + std::to_string(i) + ".bin");
    if (std::filesystem::is_regular_file(path)) {
      paths.push_back(path.string());
    }
  }
  if (paths.empty()) {
    throw UsageError("data.path = " + folder + ": there is no file data_batch_1.bin to data_batch_5.bin in it");
  }
  return paths;
}

Raw read_cifar10(const std::string& folder) {
  const Format format{{10}, 0};
  Raw raw;
  raw.num_classes = 10;
  raw.train = read_files(train_batches(folder), format);
  raw.test = read_files({find_in(folder, {"test_batch.bin"})}, format);
  raw.mean = {0.4914, 0.4822, 0.4465};
  raw.std_dev = {0.2023, 0.1994, 0.2010};
  return raw;
}

Raw read_cifar100(const std::string& folder, config::CifarLabels labels) {
  const Format format{{20, 100}, labels == config::CifarLabels::fine ? std::size_t{1} : std::size_t{0}};
  Raw raw;
  raw.num_classes = format.classes_of_byte[format.label_byte];
  raw.train = read_files({find_in(folder, {"train.bin"})}, format);
  raw.test = read_files({find_in(folder, {"test.bin"})}, format);
  raw.mean = {0.5070751592, 0.4865488733, 0.4409178434};
  raw.std_dev = {0.2673342859, 0.2564384629, 0.2761504713};
  return raw;
}

}  // namespace

Raw read_cifar(const config::Settings::Data& data) {
  require_folder(data);
  Raw raw = data.dataset == config::Dataset::cifar10 ? read_cifar10(data.path) : read_cifar100(data.path, data.labels);
  raw.shape = {3, 32, 32};
  raw.scale = 1.0 / 255;
  return raw;
}

}  // namespace unroll::dataset
