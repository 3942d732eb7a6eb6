#include <algorithm>
#include <chrono>
#include <cstdio>
#include <set>
#include <sstream>
#include <thread>

#include "support/catch.hpp"
#include "unroll/schedule/schedule.hpp"

using unroll::mpi::Communicator;
using unroll::schedule::Chunk;
using unroll::schedule::Options;
using unroll::schedule::Scheduler;
using unroll::schedule::WorkItem;
using Clock = std::chrono::steady_clock;

namespace {

bool can_thread() { return unroll::mpi::wanted_thread_level() == unroll::mpi::ThreadLevel::multiple; }

/// Threaded where MPI allows it, and not.
std::vector<bool> modes() { return can_thread() ? std::vector<bool>{true, false} : std::vector<bool>{false}; }

/// Layers of items, each depending on two of the layer before.
std::vector<WorkItem> layered(std::size_t width, std::size_t depth) {
  std::vector<WorkItem> items(width * depth);
  for (std::size_t i = 0; i < items.size(); ++i) {
    items[i].pack_key = std::to_string(i / width);
    items[i].num_lanes = 1 + static_cast<std::int64_t>(i % 3);
    items[i].priority = static_cast<double>(depth - i / width);
    if (i >= width) {
      items[i].depends = {i - width, (i / width - 1) * width + (i + 1) % width};
    }
  }
  return items;
}

std::vector<WorkItem> independent(std::size_t count) {
  std::vector<WorkItem> items(count);
  for (WorkItem& item : items) {
    item.pack_key = "one";
  }
  return items;
}

std::string digest_of(std::size_t item) { return "digest " + std::to_string(item); }

/// Takes and finishes all there is; returns this rank's items. `work` runs for each chunk.
template <typename Work>
std::vector<std::size_t> run_all(Scheduler& scheduler, const std::vector<WorkItem>& items, Work work) {
  std::vector<std::size_t> mine;
  for (Chunk chunk = scheduler.next(); !chunk.finished; chunk = scheduler.next()) {
    std::size_t next_digest = 0;
    CHECK_FALSE(chunk.items.empty());
    for (const std::size_t item : chunk.items) {
      for (const std::size_t depend : items[item].depends) {
        CHECK(chunk.depend_digests.at(next_digest++) == digest_of(depend));
      }
    }
    work();
    for (const std::size_t item : chunk.items) {
      scheduler.finish(item, digest_of(item));
      mine.push_back(item);
    }
  }
  return mine;
}

/// Collective: how often each item was done, over all ranks.
std::vector<int> count_done(const Communicator& world, const std::vector<std::size_t>& mine, std::size_t num_items) {
  std::ostringstream text;
  for (const std::size_t item : mine) {
    text << item << ' ';
  }
  std::vector<int> counts(num_items, 0);
  for (const std::string& part : world.all_gather(text.str())) {
    std::istringstream list(part);
    for (std::size_t item = 0; list >> item;) {
      ++counts.at(item);
    }
  }
  return counts;
}

}  // namespace

TEST_CASE("every item is done once, after what it depends on, whose digests arrive") {
  const Communicator world = Communicator::world();
  for (const bool threaded : modes()) {
    const std::vector<WorkItem> items = layered(20, 10);
    std::vector<std::size_t> mine;

    {
      Scheduler scheduler(world, items, {.lanes_per_pack = 8, .threaded = threaded, .on_progress = {}});
      mine = run_all(scheduler, items, [&] { scheduler.poll(); });
    }

    CHECK(count_done(world, mine, items.size()) == std::vector<int>(items.size(), 1));
  }
}

TEST_CASE("progress is reported on rank 0, rising to the total") {
  const Communicator world = Communicator::world();
  for (const bool threaded : modes()) {
    std::vector<std::size_t> reports;
    std::vector<WorkItem> items = independent(30);
    items[3].done = true;
    Options options{.lanes_per_pack = 2, .threaded = threaded, .on_progress = {}};
    options.on_progress = [&](std::size_t done, std::size_t total) {
      CHECK(total == 30);
      reports.push_back(done);
    };

    {
      Scheduler scheduler(world, items, options);
      run_all(scheduler, items, [] {});
    }

    CHECK(reports.empty() == (world.rank() != 0));
    if (world.rank() == 0) {
      CHECK(reports.front() == 1);
      CHECK(reports.back() == 30);
      CHECK(std::is_sorted(reports.begin(), reports.end()));
    }
  }
}

TEST_CASE("nothing to do, and all done before, end at once") {
  const Communicator world = Communicator::world();
  for (const bool threaded : modes()) {
    std::vector<WorkItem> items = independent(5);
    for (WorkItem& item : items) {
      item.done = true;
    }

    for (const std::vector<WorkItem>& work : {std::vector<WorkItem>(), items}) {
      Scheduler scheduler(world, work, {.lanes_per_pack = 8, .threaded = threaded, .on_progress = {}});

      CHECK(scheduler.next().finished);
      CHECK(scheduler.next().finished);
    }
  }
}

TEST_CASE("a repeat runs on another rank than its original") {
  const Communicator world = Communicator::world();
  for (const bool threaded : modes()) {
    std::vector<WorkItem> items = independent(20);
    for (std::size_t i = 1; i < items.size(); i += 2) {
      items[i].not_with = i - 1;
      items[i].depends = {i - 1};
    }
    std::vector<std::size_t> mine;

    {
      Scheduler scheduler(world, items, {.lanes_per_pack = 4, .threaded = threaded, .on_progress = {}});
      mine = run_all(scheduler, items, [] {});
    }

    const std::set<std::size_t> here(mine.begin(), mine.end());
    for (std::size_t i = 1; i < items.size() && world.size() > 1; i += 2) {
      CHECK(here.count(i) + here.count(i - 1) < 2);
    }
    CHECK(count_done(world, mine, items.size()) == std::vector<int>(items.size(), 1));
  }
}

TEST_CASE("the last rank may leave early: others do what it had not finished") {
  const Communicator world = Communicator::world();
  for (const bool threaded : modes()) {
    const std::vector<WorkItem> items = layered(6, 4);
    std::vector<std::size_t> mine;

    {
      Scheduler scheduler(world, items, {.lanes_per_pack = 4, .threaded = threaded, .on_progress = {}});
      const bool leaves = world.size() > 1 && world.rank() == world.size() - 1;
      if (leaves) {
        const Chunk dropped = scheduler.next();  // taken, never finished; another is on its way
        CHECK((dropped.finished || !dropped.items.empty()));
      } else {
        mine = run_all(scheduler, items, [] {});
      }
    }

    for (const int count : count_done(world, mine, items.size())) {
      CHECK(count <= 1);
    }
  }
}

TEST_CASE("rank 0 answers while its main thread computes") {
  const Communicator world = Communicator::world();
  if (!can_thread() || world.size() == 1) {
    WARN("needs MPI threads and two ranks: skipped");
    return;
  }
  // Fewer items than ranks are ready at any time, so nothing is sent ahead and every next() is a question answered.
  const std::vector<WorkItem> items = [&] {
    std::vector<WorkItem> chain = independent(200);
    for (std::size_t i = 1; i < chain.size(); ++i) {
      chain[i].depends = {i - 1};
    }
    return chain;
  }();
  Scheduler scheduler(world, items, {.lanes_per_pack = 1, .threaded = true, .on_progress = {}});
  const Communicator signals = world.duplicate();

  if (world.rank() == 0) {
    // Computes, and calls neither poll() nor next() nor any other function of the scheduler until rank 1 is through.
    volatile double sum = 0;
    while (!signals.try_receive(1)) {
      for (int i = 0; i < 100'000; ++i) {
        sum = sum + 1.0 / (i + 1);
      }
    }
    CHECK(sum > 0);
  } else if (world.rank() == 1) {
    std::vector<double> answer_ms;
    std::size_t done = 0;
    for (Chunk chunk = scheduler.next(); !chunk.finished;) {
      for (const std::size_t item : chunk.items) {
        scheduler.finish(item, "");
        ++done;
      }
      const Clock::time_point asked = Clock::now();
      chunk = scheduler.next();
      answer_ms.push_back(std::chrono::duration<double, std::milli>(Clock::now() - asked).count());
    }
    std::sort(answer_ms.begin(), answer_ms.end());
    std::printf("rank 0 computing: %zu answers, median %.2f ms, 90 %% within %.2f ms, longest %.2f ms\n",
                answer_ms.size(), answer_ms[answer_ms.size() / 2], answer_ms[answer_ms.size() * 9 / 10],
                answer_ms.back());
    CHECK(done == items.size());
    signals.send(0, 1, {});
  }
}

TEST_CASE("without a service thread rank 0 answers whenever it polls") {
  const Communicator world = Communicator::world();
  if (world.size() == 1) {
    return;
  }
  const std::vector<WorkItem> items = independent(50);
  Scheduler scheduler(world, items, {.lanes_per_pack = 1, .threaded = false, .on_progress = {}});
  const Communicator signals = world.duplicate();

  if (world.rank() == 0) {
    // Trains one long item, polling between steps, until another rank has done all the rest.
    while (!signals.try_receive(1)) {
      scheduler.poll();
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
    CHECK(scheduler.next().finished);
  } else if (world.rank() == 1) {
    std::size_t done = 0;
    for (Chunk chunk = scheduler.next(); !chunk.finished; chunk = scheduler.next()) {
      for (const std::size_t item : chunk.items) {
        scheduler.finish(item, "");
        ++done;
      }
    }
    CHECK(done == items.size());
    signals.send(0, 1, {});
  }
}

TEST_CASE("a wish of any rank stops all of them, training or waiting, and none waits for ever") {
  const Communicator world = Communicator::world();
  for (const bool threaded : modes()) {
    for (int wishing = 0; wishing < world.size(); ++wishing) {
      for (const bool all_wait : {false, true}) {
        std::vector<WorkItem> items = independent(1000);
        if (all_wait) {  // one rank trains, the others have nothing to do
          for (std::size_t i = 1; i < items.size(); ++i) {
            items[i].depends = {i - 1};
          }
        }
        bool wishes = false;
        Options options{.lanes_per_pack = 1, .threaded = threaded, .on_progress = {}};
        options.wish_to_stop = [&] { return wishes ? std::optional<std::string>("a test") : std::nullopt; };
        if (all_wait && world.rank() == wishing) {
          const auto then = Clock::now() + std::chrono::milliseconds(100);
          options.wish_to_stop = [then] {
            return Clock::now() > then ? std::optional<std::string>("a test") : std::nullopt;
          };
        }
        std::size_t num_finished = 0;
        std::string reason;

        {
          Scheduler scheduler(world, items, options);
          for (Chunk chunk = scheduler.next(); !chunk.finished; chunk = scheduler.next()) {
            for (int step = 0; step < 20 && scheduler.stop_reason().empty(); ++step) {
              std::this_thread::sleep_for(std::chrono::milliseconds(1));
              scheduler.poll();
            }
            if (!scheduler.stop_reason().empty()) {
              break;  // with the chunk in hand
            }
            for (const std::size_t item : chunk.items) {
              scheduler.finish(item, digest_of(item));
              ++num_finished;
            }
            wishes = world.rank() == wishing;
          }
          reason = scheduler.stop_reason();
        }

        CHECK(num_finished < 100);
        CHECK((reason == "a test" || (world.rank() != wishing && reason.empty())));
      }
    }
  }
}

TEST_CASE("after max_fails failures nothing more is given out, and rank 0 hears why") {
  const Communicator world = Communicator::world();
  for (const bool threaded : modes()) {
    const std::vector<WorkItem> items = independent(1000);
    std::size_t num_taken = 0;
    std::vector<unroll::schedule::End> ends;
    Options options{.lanes_per_pack = 1, .threaded = threaded, .on_progress = {}};
    options.max_fails = 3;
    options.on_end = [&](unroll::schedule::End why) { ends.push_back(why); };

    {
      Scheduler scheduler(world, items, options);
      for (Chunk chunk = scheduler.next(); !chunk.finished; chunk = scheduler.next()) {
        num_taken += chunk.items.size();
        for (const std::size_t item : chunk.items) {
          item % 2 == 0 ? scheduler.fail(item, "failed") : scheduler.finish(item, "");
        }
        scheduler.poll();
      }
      CHECK(scheduler.stop_reason().empty());
    }

    CHECK(num_taken < 1000);
    CHECK(ends.size() == (world.rank() == 0 ? 1U : 0U));
    CHECK((ends.empty() || ends.front() == unroll::schedule::End::max_fails));
  }
}

TEST_CASE("work that would end too late is not given out") {
  const Communicator world = Communicator::world();
  for (const bool threaded : modes()) {
    std::vector<WorkItem> items = independent(8);
    for (std::size_t i = 4; i < items.size(); ++i) {
      items[i].cost = 1e18;
    }
    std::vector<std::size_t> mine;
    int num_ends = 0;
    Options options{.lanes_per_pack = 1, .threaded = threaded, .on_progress = {}};
    options.time_left_s = [] { return 1e6; };
    options.on_end = [&](unroll::schedule::End why) { num_ends += why == unroll::schedule::End::time ? 1 : 0; };

    {
      Scheduler scheduler(world, items, options);
      mine = run_all(scheduler, items, [] {});
    }

    CHECK(count_done(world, mine, items.size()) == std::vector<int>{1, 1, 1, 1, 0, 0, 0, 0});
    CHECK(num_ends == (world.rank() == 0 ? 1 : 0));
  }
}
