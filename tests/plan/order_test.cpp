#include "unroll/plan/order.hpp"

#include <algorithm>
#include <numeric>

#include "support/catch.hpp"

using unroll::plan::Order;

namespace {

std::shared_ptr<const std::vector<std::int64_t>> rows(std::vector<std::int64_t> values) {
  return std::make_shared<const std::vector<std::int64_t>>(std::move(values));
}

std::vector<std::int64_t> epoch(const Order& order, std::int64_t index) {
  std::vector<std::int64_t> drawn;
  for (std::int64_t step = 0; step < order.steps_per_epoch(); ++step) {
    const auto batch = order.batch(index * order.steps_per_epoch() + step);
    drawn.insert(drawn.end(), batch.begin(), batch.end());
  }
  return drawn;
}

}  // namespace

TEST_CASE("a fixed order walks its rows in every epoch and keeps the short last batch") {
  const Order order = Order::fixed(rows({2, 3, 5, 7, 11}), 2);

  CHECK(order.steps_per_epoch() == 3);
  CHECK(order.batch(0) == std::vector<std::int64_t>{2, 3});
  CHECK(order.batch(2) == std::vector<std::int64_t>{11});
  CHECK(order.batch(4) == std::vector<std::int64_t>{5, 7});
}

TEST_CASE("a batch larger than the rows is all of them") {
  const Order order = Order::fixed(rows({1, 2}), 100);

  CHECK(order.steps_per_epoch() == 1);
  CHECK(order.batch(7) == std::vector<std::int64_t>{1, 2});
}

TEST_CASE("a shuffled order draws every row once an epoch, differently in each epoch and seed") {
  std::vector<std::int64_t> all(100);
  std::iota(all.begin(), all.end(), 50);
  const Order order = Order::shuffled(rows(all), 7, 3, "order");

  const auto first = epoch(order, 0), second = epoch(order, 1);
  auto sorted = second;
  std::sort(sorted.begin(), sorted.end());

  CHECK(first != second);
  CHECK(sorted == all);
  CHECK(epoch(order, 0) == first);
  CHECK(epoch(Order::shuffled(rows(all), 7, 4, "order"), 0) != first);
  CHECK(epoch(Order::shuffled(rows(all), 7, 3, "pretrain_order"), 0) != first);
}

TEST_CASE("the batch size only cuts the order, it does not change it") {
  std::vector<std::int64_t> all(101);
  std::iota(all.begin(), all.end(), 0);
  const auto reference = epoch(Order::shuffled(rows(all), 1, 9, "order"), 2);

  for (const std::int64_t batch : {2, 10, 64, 101, 1000}) {
    CHECK(epoch(Order::shuffled(rows(all), batch, 9, "order"), 2) == reference);
  }
}

TEST_CASE("rows that are taken out leave the others in their order") {
  std::vector<std::int64_t> all(60), odd;
  std::iota(all.begin(), all.end(), 0);
  std::copy_if(all.begin(), all.end(), std::back_inserter(odd), [](std::int64_t row) { return row % 2 == 1; });

  auto expected = epoch(Order::shuffled(rows(all), 8, 5, "order"), 1);
  std::erase_if(expected, [](std::int64_t row) { return row % 2 == 0; });

  CHECK(epoch(Order::shuffled(rows(odd), 8, 5, "order"), 1) == expected);
}

TEST_CASE("the shuffled order is frozen") {
  const Order order = Order::shuffled(rows({0, 1, 2, 3, 4, 5, 6, 7, 8, 9}), 10, 0, "order");

  CHECK(order.batch(0) == std::vector<std::int64_t>{9, 2, 7, 8, 4, 0, 1, 6, 3, 5});
}

TEST_CASE("a table is one epoch, whatever its batches hold") {
  const Order order = Order::table(std::make_shared<const std::vector<std::vector<std::int64_t>>>(
      std::vector<std::vector<std::int64_t>>{{5, 1}, {1}, {7, 8, 9}}));

  CHECK(order.steps_per_epoch() == 3);
  CHECK(order.batch_size() == 3);
  CHECK(order.batch(1) == std::vector<std::int64_t>{1});
  CHECK(order.batch(3) == std::vector<std::int64_t>{5, 1});
}
