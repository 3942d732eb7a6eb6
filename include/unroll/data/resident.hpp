#pragma once
// A data set where training reads it. A small one (dataset::kKeptBytes) is kept normalised, and read in place; of a
// large one the inputs stay bytes (or reals) as they came, and a batch is gathered by row and normalised on the way.
// What a row becomes depends on that row alone: no statistic of other rows enters, but for the weights of words, which
// are given. On a GPU the set lies there whole,
// as it came or normalised, and rows are gathered by index.
#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "unroll/config/settings.hpp"
#include "unroll/dataset/dataset.hpp"
#include "unroll/dataset/term_weights.hpp"

namespace unroll::data {

enum class Part { train, test };

[[nodiscard]] torch::ScalarType scalar_type(config::Dtype dtype);

class ResidentData {
 public:
  /// A set of up to kept_bytes is kept normalised. terms: for a set that holds counts, and no other.
  ResidentData(std::shared_ptr<const dataset::DataSet> set, config::Dtype dtype,
               std::int64_t kept_bytes = dataset::kKeptBytes, torch::Device device = torch::kCPU,
               std::shared_ptr<const dataset::TermWeights> terms = nullptr);

  [[nodiscard]] const dataset::Description& description() const { return set_->description; }
  [[nodiscard]] torch::ScalarType dtype() const { return dtype_; }
  [[nodiscard]] torch::Device device() const { return device_; }
  [[nodiscard]] std::int64_t input_size() const { return input_size_; }

  /// [rows, ...shape], normalised, on the device.
  [[nodiscard]] torch::Tensor inputs(Part part, std::span<const std::int64_t> rows) const;
  /// int64 [rows], on the device.
  [[nodiscard]] torch::Tensor labels(Part part, std::span<const std::int64_t> rows) const;

  // Below: of a set in host memory (device() is the CPU).

  /// A pointer to each row's normalised inputs (Real is dtype()): where the data set keeps them, or, where it is too
  /// large to be kept twice, in `gathered`.
  template <typename Real>
  void locate(Part part, std::span<const std::int64_t> rows, std::vector<const Real*>& pointers,
              std::vector<Real>& gathered) const;

  /// Normalised inputs of rows into `out`, row after row (rows * input_size elements of dtype()).
  void gather_inputs(Part part, std::span<const std::int64_t> rows, void* out) const;
  void gather_labels(Part part, std::span<const std::int64_t> rows, std::int64_t* out) const;

 private:
  [[nodiscard]] torch::Tensor all_inputs(Part part) const;
  void move_to_device();
  template <typename Real>
  void gather(Part part, std::span<const std::int64_t> rows, Real* out) const;

  std::shared_ptr<const dataset::DataSet> set_;
  std::shared_ptr<const dataset::TermWeights> terms_;
  torch::ScalarType dtype_;
  std::int64_t input_size_ = 0;
  std::int64_t channel_size_ = 0;   // elements of an input that share a channel's constants
  std::vector<double> byte_table_;  // [channels, 256]: what a byte becomes
  // All rows normalised, [rows, input_size], of a set that is small enough.
  torch::Tensor kept_train_, kept_test_;

  torch::Device device_ = torch::kCPU;
  struct OnDevice {
    torch::Tensor inputs;  // [rows, input_size]: normalised, or bytes as they came
    torch::Tensor labels;  // int64 [rows]
  };
  OnDevice device_train_, device_test_;
  torch::Tensor device_table_;  // [channels, 256] of dtype(): what a byte becomes; undefined for normalised inputs
};

}  // namespace unroll::data
