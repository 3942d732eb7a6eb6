#include <algorithm>
#include <array>
#include <cmath>

#include "readers.hpp"
#include "unroll/base/error.hpp"
#include "unroll/base/sha256.hpp"
#include "unroll/base/text.hpp"

namespace unroll::dataset {
namespace {

struct Reader {
  config::Dataset dataset;
  std::string_view name;
  Raw (*read)(const config::Settings::Data&);
};

constexpr std::array<Reader, 7> kReaders = {{
    {config::Dataset::optdigits, "optdigits", read_optdigits},
    {config::Dataset::mnist, "mnist", read_idx},
    {config::Dataset::fashion_mnist, "fashion_mnist", read_idx},
    {config::Dataset::cifar10, "cifar10", read_cifar},
    {config::Dataset::cifar100, "cifar100", read_cifar},
    {config::Dataset::imdb, "imdb", read_imdb},
    {config::Dataset::hdf5, "hdf5", read_hdf5},
}};

const Reader& reader_of(config::Dataset dataset) {
  return *std::find_if(kReaders.begin(), kReaders.end(), [&](const Reader& one) { return one.dataset == dataset; });
}

std::int64_t row_size(const std::vector<std::int64_t>& shape) {
  std::int64_t size = 1;
  for (const std::int64_t extent : shape) {
    size *= extent;
  }
  return size;
}

// Keeps the first `size` rows.
void cut(Part& part, std::optional<std::int64_t> size, std::int64_t row, const std::string& key) {
  if (!size) {
    return;
  }
  const auto rows = static_cast<std::int64_t>(part.labels.size());
  if (*size < 1 || *size > rows) {
    throw UsageError(key + " = " + std::to_string(*size) + ": must be in 1.." + std::to_string(rows) +
                     ", the rows that are there");
  }
  part.labels.resize(static_cast<std::size_t>(*size));
  std::visit([&](auto& values) { values.resize(static_cast<std::size_t>(*size * row)); }, part.inputs);
}

void hash_part(Sha256& hash, const Part& part) {
  std::visit([&](const auto& values) { hash.update(std::as_bytes(std::span(values))); }, part.inputs);
  hash.update(std::as_bytes(std::span(part.labels)));
}

std::string content_hash(const Raw& raw) {
  constexpr std::array<std::string_view, 3> kTypes = {"u8", "f32", "f64"};
  Sha256 hash;
  hash.update("unroll-data 1\nshape=" + join(raw.shape, ",") + "\nclasses=" + std::to_string(raw.num_classes) +
              "\ntype=" + std::string(kTypes[raw.train.inputs.index()]) + "\ntrain=" +
              std::to_string(raw.train.labels.size()) + "\ntest=" + std::to_string(raw.test.labels.size()) + "\n");
  hash_part(hash, raw.train);
  hash_part(hash, raw.test);
  return hash.hex_digest();
}

void override_constants(const config::Settings::Data& data, Raw& raw) {
  const auto replace = [&](const std::vector<double>& values, const std::string& key, std::vector<double>& constants) {
    if (values.empty()) {
      return;
    }
    const auto channels = static_cast<std::size_t>(raw.shape.front());
    if (values.size() != 1 && values.size() != channels) {
      throw UsageError(key + " = " + join(values, ", ") + ": must have 1 value for all, or " +
                       std::to_string(channels) + ", one a channel");
    }
    constants = values;
  };
  replace(data.mean, "data.mean", raw.mean);
  replace(data.std_dev, "data.std", raw.std_dev);
  for (const double value : raw.std_dev) {
    if (!(value > 0) || !std::isfinite(value)) {
      throw UsageError("data.std = " + shortest(value) + ": must be a finite number > 0");
    }
  }
  for (const double value : raw.mean) {
    if (!std::isfinite(value)) {
      throw UsageError("data.mean = " + shortest(value) + ": must be a finite number");
    }
  }
}

}  // namespace

std::string name_of(config::Dataset dataset) { return std::string(reader_of(dataset).name); }

DataSet load(const config::Settings::Data& data) {
  const Reader& reader = reader_of(data.dataset);
  Raw raw = reader.read(data);
  cut(raw.train, data.train_size, row_size(raw.shape), "data.train_size");
  cut(raw.test, data.test_size, row_size(raw.shape), "data.test_size");
  override_constants(data, raw);

  DataSet set;
  set.description.name = reader.name;
  set.description.num_train = static_cast<std::int64_t>(raw.train.labels.size());
  set.description.num_test = static_cast<std::int64_t>(raw.test.labels.size());
  set.description.num_classes = raw.num_classes;
  set.description.shape = raw.shape;
  set.description.content_hash = content_hash(raw);
  set.description.train_labels = std::move(raw.train.labels);
  set.description.test_labels = std::move(raw.test.labels);
  set.train_inputs = std::move(raw.train.inputs);
  set.test_inputs = std::move(raw.test.inputs);
  set.scale = raw.scale;
  set.holds_counts = raw.holds_counts;
  set.mean = std::move(raw.mean);
  set.std_dev = std::move(raw.std_dev);
  return set;
}

Description describe(const config::Settings::Data& data) { return load(data).description; }

}  // namespace unroll::dataset
