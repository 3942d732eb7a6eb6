#pragma once
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "unroll/hdf5/arrays.hpp"
#include "unroll/store/store.hpp"

namespace unroll::execute {

/// Weights that wait to be committed together: a file holds many small models, or few large ones.
class WeightBatch {
 public:
  explicit WeightBatch(store::Writer& writer) : writer_(writer) {}
  void add(hdf5::Array weights) {
    constexpr std::size_t kBatchBytes = 64'000'000;
    if (!names_.insert(weights.name).second) {
      return;  // M of a tree that came in parts which share nothing
    }
    size_bytes_ += weights.bytes.size();
    arrays_.push_back(std::move(weights));
    if (size_bytes_ >= kBatchBytes) {
      commit();
    }
  }
  void commit() {
    writer_.commit_weights(std::exchange(arrays_, {}));
    size_bytes_ = 0;
  }

 private:
  store::Writer& writer_;
  std::vector<hdf5::Array> arrays_;
  std::set<std::string> names_;
  std::size_t size_bytes_ = 0;
};

}  // namespace unroll::execute
