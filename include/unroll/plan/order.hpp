#pragma once
// The batch order: which training rows SGD meets at which step. A pure function of the part's rows, the batch size and
// the seed; fixed keeps the rows ascending in every epoch, shuffled sorts them by a random key of
// (seed, purpose, epoch, row): RandomStream(seed, purpose).bits(epoch, row); a table (order.file) lists the steps of
// one epoch. The last short batch of an epoch is kept.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "unroll/config/settings.hpp"

namespace unroll::plan {

class Order {
 public:
  /// rows: ascending training rows of the part; purpose: "order" or "pretrain_order".
  static Order fixed(std::shared_ptr<const std::vector<std::int64_t>> rows, std::int64_t batch);
  static Order shuffled(std::shared_ptr<const std::vector<std::int64_t>> rows, std::int64_t batch, std::uint64_t seed,
                        std::string purpose);
  static Order table(std::shared_ptr<const std::vector<std::vector<std::int64_t>>> batches);

  /// Steps of one epoch; for a table all its steps are one epoch.
  [[nodiscard]] std::int64_t steps_per_epoch() const;
  [[nodiscard]] std::int64_t batch_size() const { return batch_; }
  /// The training rows of step s, in their places. Consecutive steps are cheap: an epoch's permutation is kept.
  [[nodiscard]] std::vector<std::int64_t> batch(std::int64_t step) const;

 private:
  Order() = default;
  enum class Kind { fixed, shuffled, table };
  Kind kind_ = Kind::fixed;
  std::shared_ptr<const std::vector<std::int64_t>> rows_;
  std::shared_ptr<const std::vector<std::vector<std::int64_t>>> table_;
  std::int64_t batch_ = 0;
  std::uint64_t seed_ = 0;
  std::string purpose_;
  // The permutation of the last epoch asked for; an Order is used by one thread.
  mutable std::int64_t cached_epoch_ = -1;
  mutable std::vector<std::int64_t> cached_rows_;
};

}  // namespace unroll::plan
