#include "support/catch.hpp"
#include "unroll/base/error.hpp"
#include "unroll/schedule/schedule.hpp"

using unroll::schedule::Chunk;
using unroll::schedule::Queue;
using unroll::schedule::WorkItem;

namespace {

using Items = std::vector<std::size_t>;

WorkItem item(std::string pack_key = "a", double priority = 0, std::int64_t num_lanes = 1) {
  return {.depends = {},
          .not_with = {},
          .pack_key = std::move(pack_key),
          .num_lanes = num_lanes,
          .priority = priority,
          .cost = 1,
          .done = false,
          .digest = {}};
}

WorkItem after(std::vector<std::size_t> depends, std::string pack_key = "a", double priority = 0) {
  WorkItem result = item(std::move(pack_key), priority);
  result.depends = std::move(depends);
  return result;
}

Items items_of(const std::optional<Chunk>& chunk) { return chunk ? chunk->items : Items{999}; }

}  // namespace

TEST_CASE("an empty queue is finished at once") {
  Queue queue({}, 2, 8);

  const auto chunk = queue.take(0);

  REQUIRE(chunk);
  CHECK(chunk->finished);
  CHECK(chunk->items.empty());
  CHECK(queue.all_done());
}

TEST_CASE("an item waits for those it depends on, and gets their digests in order") {
  Queue queue({item(), item("b"), after({1, 0}, "c")}, 1, 8);

  CHECK(items_of(queue.take(0)) == Items{0});
  CHECK(items_of(queue.take(0)) == Items{1});
  CHECK_FALSE(queue.take(0).has_value());
  queue.finish(0, "digest of 0");
  CHECK_FALSE(queue.take(0).has_value());
  queue.finish(1, "digest of 1");
  const auto last = queue.take(0);

  CHECK(items_of(last) == Items{2});
  CHECK(last->depend_digests == std::vector<std::string>{"digest of 1", "digest of 0"});
  CHECK(queue.take(0)->finished);
  CHECK_FALSE(queue.all_done());
  queue.finish(2, "");
  CHECK(queue.all_done());
}

TEST_CASE("the longest critical path goes first; equal ones in plan order") {
  Queue queue({item("a", 1), item("a", 3), item("a", 3), item("a", 2)}, 1, 1);

  CHECK(items_of(queue.take(0)) == Items{1});
  CHECK(items_of(queue.take(0)) == Items{2});
  CHECK(items_of(queue.take(0)) == Items{3});
  CHECK(items_of(queue.take(0)) == Items{0});
}

TEST_CASE("a chunk holds one pack key and at most the lanes of a pack") {
  Queue queue({item("a", 9, 3), item("b", 8, 3), item("a", 7, 3), item("a", 6, 3), item("a", 5, 1)}, 1, 8);

  CHECK(items_of(queue.take(0)) == Items{0, 2, 4});
  CHECK(items_of(queue.take(0)) == Items{1});
  CHECK(items_of(queue.take(0)) == Items{3});
}

TEST_CASE("an item wider than a pack goes out alone") {
  Queue queue({item("a", 9, 20), item("a", 8, 1)}, 1, 8);

  CHECK(items_of(queue.take(0)) == Items{0});
  CHECK(items_of(queue.take(0)) == Items{1});
}

TEST_CASE("few items are spread over all ranks") {
  Queue queue(std::vector<WorkItem>(4, item()), 4, 64);

  for (int rank = 0; rank < 4; ++rank) {
    CHECK(items_of(queue.take(rank)).size() == 1);
  }
}

TEST_CASE("chunks shrink towards the end, but not below two lanes of 64") {
  Queue queue(std::vector<WorkItem>(200, item()), 2, 64);
  std::vector<std::size_t> sizes;

  for (int rank = 0;; rank = 1 - rank) {
    const auto chunk = queue.take(rank);
    REQUIRE(chunk);
    if (chunk->finished) {
      break;
    }
    sizes.push_back(chunk->items.size());
  }

  // Half of 200 and of 136 are more than a pack; then halves of what is left, then twos.
  CHECK(sizes == std::vector<std::size_t>{64, 64, 36, 18, 9, 5, 2, 2});
}

TEST_CASE("one rank alone fills its packs") {
  Queue queue(std::vector<WorkItem>(100, item()), 1, 64);

  CHECK(items_of(queue.take(0)).size() == 64);
  CHECK(items_of(queue.take(0)).size() == 36);
}

TEST_CASE("ranks that stand idle share what becomes ready") {
  std::vector<WorkItem> items{item("first")};
  for (int i = 0; i < 6; ++i) {
    items.push_back(after({0}, "second"));
  }
  for (int i = 0; i < 100; ++i) {
    items.push_back(after({1}, "second"));  // left, but not ready yet
  }
  Queue queue(items, 3, 64);
  CHECK(items_of(queue.take(0)) == Items{0});
  CHECK_FALSE(queue.take(1).has_value());
  CHECK_FALSE(queue.take(2).has_value());

  queue.finish(0, "");

  CHECK(items_of(queue.take(1)) == Items{1, 2, 3});
  CHECK(items_of(queue.take(2)) == Items{4, 5, 6});
}

TEST_CASE("a repeat is kept off the rank of its original, before and after it is done") {
  WorkItem control = after({0});
  control.not_with = 0;
  Queue queue({item(), control}, 2, 8);
  CHECK(items_of(queue.take(0)) == Items{0});
  queue.finish(0, "");

  CHECK_FALSE(queue.take(0).has_value());
  CHECK(items_of(queue.take(1)) == Items{1});
}

TEST_CASE("not_with holds both ways when nothing orders the two items") {
  WorkItem control = item("a", 5);
  control.not_with = 1;
  Queue queue({control, item("a", 1)}, 2, 8);

  CHECK(items_of(queue.take(1)) == Items{0});
  CHECK_FALSE(queue.take(1).has_value());
  CHECK(items_of(queue.take(0)) == Items{1});
}

TEST_CASE("a single rank takes both, but never in one chunk") {
  WorkItem control = item("a", 5);
  control.not_with = 1;
  Queue queue({control, item("a", 1)}, 1, 8);

  CHECK(items_of(queue.take(0)) == Items{0});
  CHECK(items_of(queue.take(0)) == Items{1});
}

TEST_CASE("an item that every rank is ruled out for may go to any") {
  std::vector<WorkItem> items{item("a", 9), item("b", 8), item("c", 1)};
  items[0].not_with = 2;
  items[1].not_with = 2;
  Queue queue(items, 2, 8);

  CHECK(items_of(queue.take(0)) == Items{0});
  CHECK(items_of(queue.take(1)) == Items{1});
  CHECK(items_of(queue.take(0)) == Items{2});
}

TEST_CASE("items of an earlier attempt are not handed out, and their digests travel") {
  WorkItem earlier = item();
  earlier.done = true;
  earlier.digest = "kept";
  Queue queue({earlier, after({0})}, 1, 8);

  CHECK(queue.num_done() == 1);
  const auto chunk = queue.take(0);

  CHECK(items_of(chunk) == Items{1});
  CHECK(chunk->depend_digests == std::vector<std::string>{"kept"});
}

TEST_CASE("a done item may depend on one that is not done") {
  // The stage of a finished tree was erased: only the tree's own rows count.
  WorkItem tree = after({0});
  tree.done = true;
  Queue queue({item(), tree}, 1, 8);

  CHECK(items_of(queue.take(0)) == Items{0});
  queue.finish(0, "");

  CHECK(queue.all_done());
  CHECK(queue.take(0)->finished);
}

TEST_CASE("what a leaving rank had not finished goes to another") {
  Queue queue({item("a", 2), item("a", 1)}, 2, 1);
  CHECK(items_of(queue.take(1)) == Items{0});
  CHECK(items_of(queue.take(0)) == Items{1});
  CHECK(queue.take(0)->finished);

  queue.leave(1);

  CHECK(items_of(queue.take(0)) == Items{0});
  queue.finish(0, "");
  queue.finish(1, "");
  CHECK(queue.all_done());
}

TEST_CASE("a rank that is left alone is not kept off anything") {
  WorkItem control = after({0});
  control.not_with = 0;
  Queue queue({item(), control}, 2, 8);
  CHECK(items_of(queue.take(0)) == Items{0});
  queue.finish(0, "");
  CHECK_FALSE(queue.take(0).has_value());

  queue.leave(1);

  CHECK(items_of(queue.take(0)) == Items{1});
}

TEST_CASE("faulty work is refused") {
  CHECK_THROWS_AS(Queue({after({5})}, 1, 8), unroll::Error);
  CHECK_THROWS_AS(Queue({after({0})}, 1, 8), unroll::Error);
  CHECK_THROWS_WITH(Queue({after({1}), after({0})}, 1, 8), Catch::Contains("circle"));
  CHECK_THROWS_AS(Queue({item()}, 0, 8), unroll::Error);
  CHECK_THROWS_AS(Queue({item()}, 1, 0), unroll::Error);

  Queue queue({item()}, 1, 8);
  CHECK_THROWS_AS(queue.finish(0, ""), unroll::Error);
  CHECK_THROWS_AS(queue.finish(7, ""), unroll::Error);
  CHECK(items_of(queue.take(0)) == Items{0});
  queue.finish(0, "");
  CHECK_THROWS_AS(queue.finish(0, ""), unroll::Error);
}

namespace {

WorkItem suspect(double priority = 0) {
  WorkItem result = item("a", priority);
  result.suspect = true;
  return result;
}

}  // namespace

TEST_CASE("suspects go last, alone, and one at a time, whatever their priority") {
  Queue queue({suspect(9), item("a", 1), suspect(8), item("a", 2)}, 2, 1);

  CHECK(items_of(queue.take(0)) == Items{3});
  CHECK(items_of(queue.take(1)) == Items{1});
  CHECK(items_of(queue.take(0)) == Items{0});
  CHECK_FALSE(queue.take(1).has_value());
  queue.finish(0, "");
  CHECK(items_of(queue.take(1)) == Items{2});
  CHECK(queue.take(0)->finished);
}

TEST_CASE("a suspect is not given to a rank that is still busy") {
  Queue queue({suspect()}, 1, 8);

  CHECK_FALSE(queue.take(0, true).has_value());
  CHECK(items_of(queue.take(0)) == Items{0});
}

TEST_CASE("a suspect that a rank gives back may be taken by another, and those after it too") {
  Queue queue({suspect(2), suspect(1)}, 2, 8);
  CHECK(items_of(queue.take(0)) == Items{0});

  queue.leave(0);

  CHECK(items_of(queue.take(1)) == Items{0});
  queue.finish(0, "");
  CHECK(items_of(queue.take(1)) == Items{1});
}

TEST_CASE("what waits for a suspect is given out when that is finished") {
  WorkItem tree = after({0});
  Queue queue({suspect(), tree, item("b")}, 1, 8);

  CHECK(items_of(queue.take(0)) == Items{2});
  CHECK(items_of(queue.take(0)) == Items{0});
  CHECK_FALSE(queue.take(0).has_value());
  queue.finish(0, "");
  CHECK(items_of(queue.take(0)) == Items{1});
}

TEST_CASE("a closed queue gives nothing out, and takes what is finished") {
  Queue queue({item(), item()}, 1, 1);
  CHECK(items_of(queue.take(0)) == Items{0});

  queue.close();
  queue.finish(0, "");

  CHECK(queue.take(0)->finished);
  CHECK(queue.num_done() == 1);
  CHECK(queue.num_left() == 1);
}

TEST_CASE("only what fits is given out, and a chunk grows no further than that") {
  WorkItem large = item("a", 5);
  large.cost = 10;
  const auto fits = [](double most) { return [most](const std::string&, double cost) { return cost <= most; }; };

  Queue queue({large, item("a", 4), item("a", 3), item("a", 2)}, 1, 8);
  CHECK(items_of(queue.take(0, false, fits(2))) == Items{1, 2});
  CHECK(items_of(queue.take(0, false, fits(2))) == Items{3});
  CHECK(queue.take(0, false, fits(2))->finished);
  CHECK(queue.num_left() == 1);
  CHECK(items_of(queue.take(0, false, fits(10))) == Items{0});
}
