#include "unroll/plan/order.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <numeric>

#include "unroll/base/random.hpp"

namespace unroll::plan {
namespace {

struct KeyedRow {
  std::uint64_t key = 0;
  std::int64_t row = 0;
  bool operator<(const KeyedRow& other) const { return key != other.key ? key < other.key : row < other.row; }
};

/// The rows by ascending random key. Keys are uniform, so a bucket of their first bits holds a few rows, already at
/// about their places; that is four times as fast as sorting them all.
std::vector<std::int64_t> shuffle(const std::vector<std::int64_t>& rows, std::uint64_t seed, const std::string& purpose,
                                  std::int64_t epoch) {
  const RandomStream stream(seed, purpose);
  const auto num_bits = static_cast<int>(std::bit_width(rows.size() / 2));
  const auto bucket_of = [&](std::uint64_t key) {
    return num_bits == 0 ? std::size_t{0} : static_cast<std::size_t>(key >> (64 - num_bits));
  };
  std::vector<std::uint64_t> keys(rows.size());
  std::vector<std::size_t> ends((std::size_t{1} << num_bits) + 1, 0);  // of bucket b, at b + 1
  for (std::size_t i = 0; i < rows.size(); ++i) {
    keys[i] = stream.bits(static_cast<std::uint64_t>(epoch), static_cast<std::uint64_t>(rows[i]));
    ++ends[bucket_of(keys[i]) + 1];
  }
  std::partial_sum(ends.begin(), ends.end(), ends.begin());
  std::vector<std::size_t> next(ends.begin(), ends.end() - 1);
  std::vector<KeyedRow> keyed(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    keyed[next[bucket_of(keys[i])]++] = {keys[i], rows[i]};
  }
  for (std::size_t bucket = 0; bucket + 1 < ends.size(); ++bucket) {
    std::sort(keyed.begin() + static_cast<std::ptrdiff_t>(ends[bucket]),
              keyed.begin() + static_cast<std::ptrdiff_t>(ends[bucket + 1]));
  }
  std::vector<std::int64_t> shuffled(rows.size());
  std::transform(keyed.begin(), keyed.end(), shuffled.begin(), [](const KeyedRow& k) { return k.row; });
  return shuffled;
}

}  // namespace

Order Order::fixed(std::shared_ptr<const std::vector<std::int64_t>> rows, std::int64_t batch) {
  assert(!rows->empty() && batch > 0);
  Order order;
  order.kind_ = Kind::fixed;
  order.rows_ = std::move(rows);
  order.batch_ = batch;
  return order;
}

Order Order::shuffled(std::shared_ptr<const std::vector<std::int64_t>> rows, std::int64_t batch, std::uint64_t seed,
                      std::string purpose) {
  Order order = fixed(std::move(rows), batch);
  order.kind_ = Kind::shuffled;
  order.seed_ = seed;
  order.purpose_ = std::move(purpose);
  return order;
}

Order Order::table(std::shared_ptr<const std::vector<std::vector<std::int64_t>>> batches) {
  assert(!batches->empty());
  Order order;
  order.kind_ = Kind::table;
  for (const auto& batch : *batches) {
    order.batch_ = std::max(order.batch_, std::ssize(batch));
  }
  order.table_ = std::move(batches);
  return order;
}

std::int64_t Order::steps_per_epoch() const {
  return kind_ == Kind::table ? std::ssize(*table_) : (std::ssize(*rows_) + batch_ - 1) / batch_;
}

std::vector<std::int64_t> Order::batch(std::int64_t step) const {
  assert(step >= 0);
  const std::int64_t epoch = step / steps_per_epoch();
  const std::int64_t position = step % steps_per_epoch();
  if (kind_ == Kind::table) {
    return (*table_)[static_cast<std::size_t>(position)];
  }
  if (kind_ == Kind::shuffled && epoch != cached_epoch_) {
    cached_rows_ = shuffle(*rows_, seed_, purpose_, epoch);
    cached_epoch_ = epoch;
  }
  const auto& rows = kind_ == Kind::shuffled ? cached_rows_ : *rows_;
  const std::int64_t first = position * batch_;
  const std::int64_t last = std::min(first + batch_, std::ssize(rows));
  return {rows.begin() + first, rows.begin() + last};
}

}  // namespace unroll::plan
