// How large a chunk is: lanes make training fast, costs make ranks end together.
#include "support/catch.hpp"
#include "unroll/schedule/schedule.hpp"

using unroll::schedule::Chunk;
using unroll::schedule::Queue;
using unroll::schedule::WorkItem;

namespace {

WorkItem item(std::int64_t num_lanes, double cost) {
  WorkItem result;
  result.pack_key = "a";
  result.num_lanes = num_lanes;
  result.priority = cost;
  result.cost = cost;
  return result;
}

}  // namespace

TEST_CASE("a chunk is a fair share of the cost, not of the number of items") {
  std::vector<WorkItem> items(4, item(6, 10));
  items.insert(items.end(), 16, item(6, 1));
  Queue queue(items, 2, 192);

  const auto first = queue.take(0), second = queue.take(1);

  CHECK(first->items == std::vector<std::size_t>{0, 1, 2});  // 30 of 56: nearer to the half than 20
  CHECK(second->items.size() > 3);                           // what costs 13 of the 26 left
}

TEST_CASE("the longest item leaves no room for the small ones behind it") {
  std::vector<WorkItem> items{item(6, 100)};
  items.insert(items.end(), 10, item(6, 1));
  Queue queue(items, 2, 192);

  CHECK(queue.take(0)->items == std::vector<std::size_t>{0});
  CHECK(queue.take(1)->items.size() > 1);
}

TEST_CASE("items that do not fit into a pack are passed over for narrower ones, but not for ever") {
  std::vector<WorkItem> items(40, item(60, 1));
  items.push_back(item(4, 1));
  std::vector<WorkItem> many(400, item(60, 1));
  many.push_back(item(4, 1));

  CHECK(Queue(items, 1, 64).take(0)->items == std::vector<std::size_t>{0, 40});
  CHECK(Queue(many, 1, 64).take(0)->items == std::vector<std::size_t>{0});
}

TEST_CASE("work that is taken ahead is half a share") {
  Queue queue(std::vector<WorkItem>(40, item(6, 1)), 2, 1024);

  CHECK(queue.take(0)->items.size() == 20);
  CHECK(queue.take(1, true)->items.size() == 5);
}
