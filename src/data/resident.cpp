#include "unroll/data/resident.hpp"

#include <algorithm>
#include <functional>
#include <numeric>

#include "unroll/base/error.hpp"

namespace unroll::data {

torch::ScalarType scalar_type(config::Dtype dtype) {
  return dtype == config::Dtype::float64 ? torch::kFloat64 : torch::kFloat32;
}

ResidentData::ResidentData(std::shared_ptr<const dataset::DataSet> set, config::Dtype dtype, std::int64_t kept_bytes,
                           torch::Device device, std::shared_ptr<const dataset::TermWeights> terms)
    : set_(std::move(set)), terms_(std::move(terms)), dtype_(scalar_type(dtype)) {
  if (set_->holds_counts != (terms_ != nullptr)) {
    throw Error("word counts and their weights go together");
  }
  const auto& shape = set_->description.shape;
  input_size_ = std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
  const std::size_t num_channels = std::max(set_->mean.size(), set_->std_dev.size());
  channel_size_ = input_size_ / static_cast<std::int64_t>(num_channels);
  for (std::size_t channel = 0; channel < num_channels; ++channel) {
    const double mean = set_->mean[set_->mean.size() == 1 ? 0 : channel];
    const double std_dev = set_->std_dev[set_->std_dev.size() == 1 ? 0 : channel];
    for (int byte = 0; byte < 256; ++byte) {
      byte_table_.push_back((set_->scale * byte - mean) / std_dev);
    }
  }
  const auto num_rows = description().num_train + description().num_test;
  if (num_rows * input_size_ * static_cast<std::int64_t>(torch::elementSize(dtype_)) <= kept_bytes) {
    auto train = all_inputs(Part::train), test = all_inputs(Part::test);
    kept_train_ = std::move(train);
    kept_test_ = std::move(test);
  }
  device_ = device;
  if (!device_.is_cpu()) {
    move_to_device();
  }
}

void ResidentData::move_to_device() {
  const auto labels_of = [&](const auto& labels) {
    return torch::tensor(std::vector<std::int64_t>(labels.begin(), labels.end()), torch::kInt64).to(device_);
  };
  device_train_.labels = labels_of(description().train_labels);
  device_test_.labels = labels_of(description().test_labels);
  const bool has_bytes = std::holds_alternative<std::vector<std::uint8_t>>(set_->train_inputs);
  if (kept_train_.defined() || !has_bytes || terms_) {
    device_train_.inputs = (kept_train_.defined() ? kept_train_ : all_inputs(Part::train)).to(device_);
    device_test_.inputs = (kept_test_.defined() ? kept_test_ : all_inputs(Part::test)).to(device_);
    kept_train_ = kept_test_ = torch::Tensor{};
    return;
  }
  const auto bytes_of = [&](const auto& inputs) {
    const auto& bytes = std::get<std::vector<std::uint8_t>>(inputs);
    const auto num_rows = static_cast<std::int64_t>(bytes.size()) / input_size_;
    auto host = torch::empty({num_rows, input_size_}, torch::kUInt8);
    std::copy(bytes.begin(), bytes.end(), host.data_ptr<std::uint8_t>());
    return host.to(device_);
  };
  device_train_.inputs = bytes_of(set_->train_inputs);
  device_test_.inputs = bytes_of(set_->test_inputs);
  const auto num_channels = static_cast<std::int64_t>(byte_table_.size()) / 256;
  device_table_ = torch::tensor(byte_table_, torch::kFloat64).view({num_channels, 256}).to(dtype_).to(device_);
}

torch::Tensor ResidentData::all_inputs(Part part) const {
  const auto num_rows = part == Part::train ? description().num_train : description().num_test;
  std::vector<std::int64_t> rows(static_cast<std::size_t>(num_rows));
  std::iota(rows.begin(), rows.end(), 0);
  return inputs(part, rows).view({num_rows, input_size_});
}

template <typename Real>
void ResidentData::locate(Part part, std::span<const std::int64_t> rows, std::vector<const Real*>& pointers,
                          std::vector<Real>& gathered) const {
  const auto& kept = part == Part::train ? kept_train_ : kept_test_;
  pointers.resize(rows.size());
  if (kept.defined()) {
    const Real* first = kept.data_ptr<Real>();
    for (std::size_t i = 0; i < rows.size(); ++i) {
      pointers[i] = first + rows[i] * input_size_;
    }
    return;
  }
  gathered.resize(rows.size() * static_cast<std::size_t>(input_size_));
  gather(part, rows, gathered.data());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    pointers[i] = gathered.data() + i * static_cast<std::size_t>(input_size_);
  }
}

template void ResidentData::locate<float>(Part, std::span<const std::int64_t>, std::vector<const float*>&,
                                          std::vector<float>&) const;
template void ResidentData::locate<double>(Part, std::span<const std::int64_t>, std::vector<const double*>&,
                                           std::vector<double>&) const;

template <typename Real>
void ResidentData::gather(Part part, std::span<const std::int64_t> rows, Real* out) const {
  if (const auto& kept = part == Part::train ? kept_train_ : kept_test_; kept.defined()) {
    for (const std::int64_t row : rows) {
      out = std::copy_n(kept.data_ptr<Real>() + row * input_size_, input_size_, out);
    }
    return;
  }
  const auto& inputs = part == Part::train ? set_->train_inputs : set_->test_inputs;
  if (terms_) {
    const std::span counts(std::get<std::vector<std::uint8_t>>(inputs));
    const auto size = static_cast<std::size_t>(input_size_);
    for (const std::int64_t row : rows) {
      terms_->apply(counts.subspan(static_cast<std::size_t>(row) * size, size), out);
      out += input_size_;
    }
    return;
  }
  std::visit(
      [&](const auto& values) {
        using Element = typename std::decay_t<decltype(values)>::value_type;
        for (const std::int64_t row : rows) {
          const Element* in = values.data() + row * input_size_;
          for (std::int64_t start = 0, channel = 0; start < input_size_; start += channel_size_, ++channel) {
            if constexpr (std::is_same_v<Element, std::uint8_t>) {
              const double* table = byte_table_.data() + channel * 256;
              for (std::int64_t i = 0; i < channel_size_; ++i) {
                out[start + i] = static_cast<Real>(table[in[start + i]]);
              }
            } else {
              const auto c = static_cast<std::size_t>(channel);
              const double mean = set_->mean[set_->mean.size() == 1 ? 0 : c];
              const double std_dev = set_->std_dev[set_->std_dev.size() == 1 ? 0 : c];
              for (std::int64_t i = 0; i < channel_size_; ++i) {
                out[start + i] = static_cast<Real>((set_->scale * static_cast<double>(in[start + i]) - mean) / std_dev);
              }
            }
          }
          out += input_size_;
        }
      },
      inputs);
}

void ResidentData::gather_inputs(Part part, std::span<const std::int64_t> rows, void* out) const {
  if (dtype_ == torch::kFloat64) {
    gather(part, rows, static_cast<double*>(out));
  } else {
    gather(part, rows, static_cast<float*>(out));
  }
}

void ResidentData::gather_labels(Part part, std::span<const std::int64_t> rows, std::int64_t* out) const {
  const auto& labels = part == Part::train ? description().train_labels : description().test_labels;
  for (const std::int64_t row : rows) {
    *out++ = labels[static_cast<std::size_t>(row)];
  }
}

namespace {

torch::Tensor index_of(std::span<const std::int64_t> rows, torch::Device device) {
  auto index = torch::empty({static_cast<std::int64_t>(rows.size())}, torch::kInt64);
  std::copy(rows.begin(), rows.end(), index.data_ptr<std::int64_t>());
  return index.to(device);
}

}  // namespace

torch::Tensor ResidentData::inputs(Part part, std::span<const std::int64_t> rows) const {
  std::vector<std::int64_t> shape{static_cast<std::int64_t>(rows.size())};
  shape.insert(shape.end(), description().shape.begin(), description().shape.end());
  if (const auto& there = part == Part::train ? device_train_.inputs : device_test_.inputs; there.defined()) {
    const auto values = there.index_select(0, index_of(rows, device_));
    if (!device_table_.defined()) {
      return values.view(shape);
    }
    const auto num_channels = device_table_.size(0);
    const auto bytes = values.view({values.size(0), num_channels, channel_size_}).to(torch::kInt64);
    const auto table = device_table_.unsqueeze(0).expand({values.size(0), num_channels, 256});
    return table.gather(2, bytes).view(shape);
  }
  auto out = torch::empty(shape, dtype_);
  gather_inputs(part, rows, out.data_ptr());
  return out;
}

torch::Tensor ResidentData::labels(Part part, std::span<const std::int64_t> rows) const {
  if (!device_.is_cpu()) {
    return (part == Part::train ? device_train_ : device_test_).labels.index_select(0, index_of(rows, device_));
  }
  auto out = torch::empty({static_cast<std::int64_t>(rows.size())}, torch::kInt64);
  gather_labels(part, rows, out.data_ptr<std::int64_t>());
  return out;
}

}  // namespace unroll::data
