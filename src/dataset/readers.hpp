#pragma once
// One reader a kind of data set; load.cpp picks one, cuts the rows and hashes.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "unroll/dataset/dataset.hpp"

namespace unroll::dataset {

struct Part {
  Inputs inputs;                     // row-major [labels.size(), prod(shape)]
  std::vector<std::int32_t> labels;  // each in [0, num_classes)
};

struct Raw {
  std::vector<std::int64_t> shape;
  std::int64_t num_classes = 0;
  Part train, test;
  double scale = 1;
  std::vector<double> mean = {0};
  std::vector<double> std_dev = {1};
  bool holds_counts = false;
};

[[nodiscard]] Raw read_optdigits(const config::Settings::Data& data);
[[nodiscard]] Raw read_idx(const config::Settings::Data& data);
[[nodiscard]] Raw read_cifar(const config::Settings::Data& data);
[[nodiscard]] Raw read_imdb(const config::Settings::Data& data);
[[nodiscard]] Raw read_hdf5(const config::Settings::Data& data);

/// The name as written in a config file.
[[nodiscard]] std::string name_of(config::Dataset dataset);

/// Bytes of a file, unpacked when it is gzip. UsageError: not there, cannot be read, damaged, or more than max_bytes.
[[nodiscard]] std::vector<std::uint8_t> read_bytes(const std::string& path, std::size_t max_bytes);
/// folder/name of the first name that is a file; UsageError lists them all.
[[nodiscard]] std::string find_in(const std::string& folder, const std::vector<std::string>& names);
/// UsageError unless data.path is a folder that is there.
void require_folder(const config::Settings::Data& data);

}  // namespace unroll::dataset
