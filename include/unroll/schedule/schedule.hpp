#pragma once
// Which rank does what, when. Ranks ask rank 0 for work; ready items go out longest critical path first, in packs of
// one pack key, in chunks that shrink towards the end; the next chunk is asked for before the last is done.
// Rank 0 trains too: a service thread answers (it probes and sleeps, no core is spun) under MPI_THREAD_MULTIPLE,
// otherwise rank 0 answers whenever it calls poll() between its own steps.
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "unroll/mpi/mpi.hpp"

namespace unroll::schedule {

struct WorkItem {
  std::vector<std::size_t> depends;     // indices of items
  std::optional<std::size_t> not_with;  // not on the rank that took this item, when there is more than one rank
  std::string pack_key;
  std::int64_t num_lanes = 1;
  double priority = 0;                  // critical path
  double cost = 0;
  bool done = false;                    // finished by an earlier attempt
};

struct Chunk {
  std::vector<std::size_t> items;               // empty and finished: nothing more will come
  std::vector<std::string> depend_digests;      // for each dependency of the items, in order: its digest
  bool finished = false;
};

/// The state of all work: pure, no MPI. Rank 0's service owns one.
class Queue {
 public:
  Queue(std::vector<WorkItem> items, int num_ranks, std::int64_t lanes_per_pack);
  /// Work for a rank now; nullopt: nothing ready yet (ask again when something finishes); Chunk::finished at the end.
  [[nodiscard]] std::optional<Chunk> take(int rank);
  /// The item is committed. digest: what readers verify (stages), may be empty.
  void finish(std::size_t item, const std::string& digest);
  [[nodiscard]] bool all_done() const;
  [[nodiscard]] std::size_t num_done() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

struct Options {
  std::int64_t lanes_per_pack = 64;
  bool threaded = true;                  // MPI_THREAD_MULTIPLE was provided
  std::function<void(std::size_t done, std::size_t total)> on_progress;  // called on rank 0's service, may be empty
};

/// One a rank. Collective construction and destruction.
class Scheduler {
 public:
  Scheduler(const mpi::Communicator& world, std::vector<WorkItem> items, Options options);
  ~Scheduler();
  /// The next chunk; blocks (sleeping) while nothing is ready. The one after it is asked for in the background.
  [[nodiscard]] Chunk next();
  void finish(std::size_t item, const std::string& digest);
  /// Cheap; to be called between steps. Does rank 0's answering when there is no service thread.
  void poll();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace unroll::schedule
