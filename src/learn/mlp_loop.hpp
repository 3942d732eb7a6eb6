#pragma once
// linear and mlp lanes on a CPU: one lane after another through kernel/mlp.hpp, by pointers. Nothing is allocated in a
// step, and a batch that several lanes share is located (or gathered) once.
#include <memory>
#include <unordered_map>
#include <vector>

#include "unroll/data/resident.hpp"
#include "unroll/kernel/mlp.hpp"

namespace unroll::learn {

template <typename Real>
class MlpLoop {
 public:
  MlpLoop(const kernel::MlpShape& shape, std::shared_ptr<const data::ResidentData> data, data::Part part)
      : data_(std::move(data)), part_(part), mlp_(shape), gradient_(static_cast<std::size_t>(shape.num_parameters())) {}

  void begin_step() {
    known_.clear();
    num_batches_ = 0;
  }

  /// The loss's gradient on rows of the part; valid until the next call.
  const Real* gradient(const Real* weights, const std::vector<std::int64_t>& rows, const kernel::LossSpec& loss) {
    mlp_.gradient(weights, batch(rows), loss, gradient_.data());
    return gradient_.data();
  }

 private:
  struct Located {
    std::vector<const Real*> inputs;
    std::vector<Real> gathered;
    std::vector<std::int64_t> labels;
  };

  kernel::Batch<Real> batch(const std::vector<std::int64_t>& rows) {
    const auto [known, is_new] = known_.try_emplace(&rows, num_batches_);
    if (is_new) {
      if (num_batches_ == batches_.size()) {
        batches_.emplace_back();
      }
      auto& located = batches_[num_batches_++];
      data_->locate(part_, rows, located.inputs, located.gathered);
      located.labels.resize(rows.size());
      data_->gather_labels(part_, rows, located.labels.data());
    }
    const auto& located = batches_[known->second];
    return {located.inputs.data(), located.labels.data(), static_cast<std::int64_t>(rows.size())};
  }

  std::shared_ptr<const data::ResidentData> data_;
  data::Part part_;
  kernel::Mlp<Real> mlp_;
  std::vector<Real> gradient_;
  std::vector<Located> batches_;  // of this step: the first num_batches_
  std::size_t num_batches_ = 0;
  std::unordered_map<const std::vector<std::int64_t>*, std::size_t> known_;  // by the rows' address
};

}  // namespace unroll::learn
