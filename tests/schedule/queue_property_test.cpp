// Random work on random numbers of ranks, played out by a simulated clock.
#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "support/catch.hpp"
#include "unroll/schedule/schedule.hpp"

using unroll::schedule::Chunk;
using unroll::schedule::Queue;
using unroll::schedule::WorkItem;

namespace {

using Random = std::mt19937;

int pick(Random& random, int low, int high) { return std::uniform_int_distribution<int>(low, high)(random); }

std::vector<WorkItem> random_items(Random& random) {
  std::vector<WorkItem> items(static_cast<std::size_t>(pick(random, 0, 60)));
  const int num_keys = pick(random, 1, 4);
  for (std::size_t i = 0; i < items.size(); ++i) {
    WorkItem& item = items[i];
    for (int d = pick(random, -2, 3); i > 0 && d > 0; --d) {
      item.depends.push_back(static_cast<std::size_t>(pick(random, 0, static_cast<int>(i) - 1)));
    }
    std::sort(item.depends.begin(), item.depends.end());
    item.depends.erase(std::unique(item.depends.begin(), item.depends.end()), item.depends.end());
    if (i > 0 && pick(random, 0, 3) == 0) {
      item.not_with = static_cast<std::size_t>(pick(random, 0, static_cast<int>(i) - 1));
    }
    item.pack_key = std::to_string(pick(random, 1, num_keys));
    item.num_lanes = pick(random, 1, 9);
    item.priority = pick(random, 0, 9);
    item.done = pick(random, 0, 5) == 0;
    item.digest = item.done ? "digest " + std::to_string(i) : "";
  }
  return items;
}

struct Simulation {
  std::vector<WorkItem> items;
  int num_ranks;
  std::int64_t lanes_per_pack;
  Queue queue{items, num_ranks, lanes_per_pack};
  std::vector<int> taken_by = std::vector<int>(items.size(), -1);
  std::vector<bool> done = std::vector<bool>(items.size(), false);
  std::map<double, std::pair<int, Chunk>> running{};  // by the time they end
  double now = 0;

  void check_chunk(int rank, const Chunk& chunk) {
    std::int64_t num_lanes = 0;
    std::vector<std::string> digests;
    for (const std::size_t index : chunk.items) {
      CHECK(taken_by[index] == -1);
      CHECK_FALSE(items[index].done);
      taken_by[index] = rank;
      num_lanes += items[index].num_lanes;
      CHECK(items[index].pack_key == items[chunk.items.front()].pack_key);
      for (const std::size_t depend : items[index].depends) {
        CHECK(done[depend]);
        digests.push_back("digest " + std::to_string(depend));
      }
    }
    CHECK(chunk.depend_digests == digests);
    CHECK((num_lanes <= lanes_per_pack || chunk.items.size() == 1));
  }

  /// Every rank that is free asks. Returns how many are still working or got work.
  void hand_out(Random& random) {
    std::vector<int> free;
    for (int rank = 0; rank < num_ranks; ++rank) {
      const bool busy =
          std::any_of(running.begin(), running.end(), [&](const auto& entry) { return entry.second.first == rank; });
      if (!busy) {
        free.push_back(rank);
      }
    }
    std::shuffle(free.begin(), free.end(), random);
    for (const int rank : free) {
      const std::optional<Chunk> chunk = queue.take(rank);
      if (chunk && !chunk->finished) {
        check_chunk(rank, *chunk);
        double end = now + pick(random, 1, 1000);
        while (running.count(end) > 0) {
          end += 0.001;
        }
        running.emplace(end, std::pair(rank, *chunk));
      }
    }
  }

  void finish_next() {
    const auto first = running.begin();
    now = first->first;
    for (const std::size_t index : first->second.second.items) {
      queue.finish(index, "digest " + std::to_string(index));
      done[index] = true;
    }
    running.erase(first);
  }
};

}  // namespace

TEST_CASE("any work on any number of ranks ends, with every item done once and after what it depends on") {
  for (unsigned seed = 0; seed < 400; ++seed) {
    Random random(seed);
    const std::vector<WorkItem> items = random_items(random);
    Simulation run{items, pick(random, 1, 6), pick(random, 1, 20)};
    for (std::size_t i = 0; i < items.size(); ++i) {
      run.done[i] = items[i].done;
    }
    INFO("seed " << seed);

    run.hand_out(random);
    while (!run.running.empty()) {
      run.finish_next();
      run.hand_out(random);
    }

    REQUIRE(run.queue.all_done());
    CHECK(run.queue.num_ready() == 0);
    for (std::size_t i = 0; i < items.size(); ++i) {
      CHECK((run.taken_by[i] >= 0) != items[i].done);
    }
    for (int rank = 0; rank < run.num_ranks; ++rank) {
      CHECK(run.queue.take(rank)->finished);
    }
  }
}

TEST_CASE("pairs that must not meet are on two ranks whenever there are two") {
  for (unsigned seed = 0; seed < 200; ++seed) {
    Random random(seed);
    std::vector<WorkItem> items(40);
    for (std::size_t i = 0; i < items.size(); ++i) {
      items[i].pack_key = "one";
      if (i % 2 == 1) {
        items[i].not_with = i - 1;
        if (pick(random, 0, 1) == 0) {
          items[i].depends = {i - 1};
        }
      }
    }
    Simulation run{items, pick(random, 2, 5), 8};
    INFO("seed " << seed);

    run.hand_out(random);
    while (!run.running.empty()) {
      run.finish_next();
      run.hand_out(random);
    }

    REQUIRE(run.queue.all_done());
    for (std::size_t i = 1; i < items.size(); i += 2) {
      CHECK(run.taken_by[i] != run.taken_by[i - 1]);
    }
  }
}
