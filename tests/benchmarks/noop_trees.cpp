// What the scheduler itself costs, for the benchmarks (README.md). Torch-free; under mpirun, any number of ranks.
//
//   mpirun -n 2 bench_noop_trees [ITEMS]                           over shared memory
//   mpirun -n 2 --mca btl tcp,self bench_noop_trees [ITEMS]        over TCP
//
// Prints "name value unit" lines:
//   noop            items of 6 lanes that do nothing, in packs of 64 lanes: wall time an item, over all ranks
//   service         CPU time of rank 0's service thread while rank 0 computes and the others take a chunk of 50 items
//   of
//                   1 ms each at a time, as a share of a core
//   answer.median, answer.worst    how long an idle worker then waits for its next chunk
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <string>
#include <thread>
#include <vector>

#include "unroll/schedule/schedule.hpp"

namespace {

using namespace unroll;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kBusyChunks = 50;  // for each worker
constexpr std::size_t kBusyLanes = 50;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

double cpu_s(int who) {
  rusage usage{};
  ::getrusage(who, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::vector<schedule::WorkItem> items_of(std::size_t count, std::int64_t num_lanes, bool in_a_chain) {
  std::vector<schedule::WorkItem> items(count);
  for (std::size_t i = 0; i < count; ++i) {
    items[i].pack_key = "one";
    items[i].num_lanes = num_lanes;
    items[i].priority = static_cast<double>(count - i);
    items[i].cost = 1;
    if (in_a_chain && i > 0) {
      items[i].depends = {i - 1};
    }
  }
  return items;
}

void print(const mpi::Communicator& world, const char* name, double value, const char* unit) {
  if (world.rank() == 0) {
    std::printf("%-14s %10.3f %s\n", name, value, unit);
    std::fflush(stdout);
  }
}

void measure_noop(const mpi::Communicator& world, bool threaded, std::size_t count) {
  const auto start = Clock::now();
  {
    schedule::Scheduler scheduler(world, items_of(count, 6, false),
                                  {.lanes_per_pack = 64, .threaded = threaded, .on_progress = {}});
    for (auto chunk = scheduler.next(); !chunk.finished; chunk = scheduler.next()) {
      for (const std::size_t item : chunk.items) {
        scheduler.finish(item, "");
      }
    }
  }
  print(world, "noop", 1e6 * seconds_since(start) / static_cast<double>(count), "us an item");
}

/// Rank 0 computes all the time; the others sleep 1 ms for each item, and report a chunk at its end, as runs do.
void measure_service(const mpi::Communicator& world) {
  const auto num_workers = static_cast<std::size_t>(world.size() - 1);
  schedule::Scheduler scheduler(world, items_of(kBusyChunks * kBusyLanes * num_workers, 1, false),
                                {.lanes_per_pack = kBusyLanes, .threaded = true, .on_progress = {}});
  const mpi::Communicator signals = world.duplicate();
  if (world.rank() > 0) {
    for (auto chunk = scheduler.next(); !chunk.finished; chunk = scheduler.next()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(chunk.items.size()));
      for (const std::size_t item : chunk.items) {
        scheduler.finish(item, "");
      }
    }
    signals.send(0, 1, {});
    return;
  }
  const auto start = Clock::now();
  const double others_s = cpu_s(RUSAGE_SELF) - cpu_s(RUSAGE_THREAD);
  volatile double sum = 0;
  for (std::size_t left = num_workers; left > 0;) {
    for (int i = 0; i < 1'000'000; ++i) {
      sum = sum + 1.0 / (i + 1);
    }
    left -= signals.try_receive(1) ? 1 : 0;
  }
  const double service_s = cpu_s(RUSAGE_SELF) - cpu_s(RUSAGE_THREAD) - others_s;
  print(world, "service", 100 * service_s / seconds_since(start), "% of a core");
}

/// A chain: every answer is asked for by an idle worker.
void measure_answers(const mpi::Communicator& world) {
  schedule::Scheduler scheduler(world, items_of(kBusyChunks, 1, true),
                                {.lanes_per_pack = 1, .threaded = true, .on_progress = {}});
  const mpi::Communicator signals = world.duplicate();
  if (world.rank() == 0) {
    volatile double sum = 0;
    std::optional<mpi::Message> told;
    while (!(told = signals.try_receive(1))) {
      for (int i = 0; i < 1'000'000; ++i) {
        sum = sum + 1.0 / (i + 1);
      }
    }
    double figures[2] = {0, 0};
    std::copy_n(told->bytes.begin(), sizeof figures, reinterpret_cast<std::byte*>(figures));
    print(world, "answer.median", figures[0], "ms");
    print(world, "answer.worst", figures[1], "ms");
  } else if (world.rank() == 1) {
    std::vector<double> waits_ms;
    for (auto chunk = scheduler.next(); !chunk.finished;) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      scheduler.finish(chunk.items.front(), "");
      const auto asked = Clock::now();
      chunk = scheduler.next();
      waits_ms.push_back(1e3 * seconds_since(asked));
    }
    std::sort(waits_ms.begin(), waits_ms.end());
    const double figures[2] = {waits_ms[waits_ms.size() / 2], waits_ms.back()};
    signals.send(0, 1, std::as_bytes(std::span(figures)));
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const mpi::Environment environment(mpi::wanted_thread_level());
    const bool threaded = environment.provided() == mpi::ThreadLevel::multiple;
    const auto world = mpi::Communicator::world();
    measure_noop(world, threaded, argc > 1 ? std::stoul(argv[1]) : 100'000);
    if (threaded && world.size() > 1) {
      measure_service(world);
      measure_answers(world);
    }
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_noop_trees: %s\n", error.what());
    return 2;
  }
}
