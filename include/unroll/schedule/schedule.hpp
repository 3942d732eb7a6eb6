#pragma once
// Which rank does what, when. Ranks ask rank 0 for work; ready items go out longest critical path first, in packs of
// one pack key, in chunks that shrink towards the end; the next chunk is asked for before the last is done.
// Rank 0 trains too: a service thread answers (it probes and sleeps, no core is spun) under MPI_THREAD_MULTIPLE,
// otherwise rank 0 answers whenever it calls poll() between its own steps.
//
// Nothing here may change a result: who takes what, and with whom, is placement alone (DESIGN 4.8).
// The messages and their order: src/schedule/README.md.
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
  std::vector<std::size_t> depends;  // indices of items
  /// Not in one chunk with this item, and not on the rank that took it unless every rank left is ruled out so.
  std::optional<std::size_t> not_with;
  std::string pack_key;
  std::int64_t num_lanes = 1;
  double priority = 0;  // critical path
  double cost = 0;      // of the item alone; 0: as many as it has lanes
  bool done = false;    // finished by an earlier attempt
  std::string digest;   // of an item that is done: what finish() would have said
  /// It was in hand when an earlier attempt died: given out last, alone in its chunk, and one at a time over all ranks.
  bool suspect = false;
};

struct Chunk {
  std::vector<std::size_t> items;           // of one pack key; by priority
  std::vector<std::string> depend_digests;  // for each dependency of each item, in order: its digest
  bool finished = false;                    // no items, and nothing more will come
};

/// Whether items of a pack key that cost so much together may be given out now; empty: always.
using Fits = std::function<bool(const std::string& pack_key, double cost)>;

/// The state of all work: pure, no MPI. Rank 0's service owns one. Error: an index out of range, a cycle, an item
/// finished that nobody took.
class Queue {
 public:
  Queue(std::vector<WorkItem> items, int num_ranks, std::int64_t lanes_per_pack);
  ~Queue();
  Queue(Queue&&) noexcept;
  Queue& operator=(Queue&&) noexcept;

  /// Work for a rank now; nullopt: nothing ready yet (ask again when something finishes); Chunk::finished at the end.
  /// A chunk holds at most lanes_per_pack lanes (or one item), and about the rank's fair share of what the items of
  /// that key that are left cost, so that it shrinks towards the end; but it does not shrink below a 32nd of a pack
  /// (two lanes of 64) as long as all ranks could have one of that size. On CPUs a lane trains as fast in a small pack.
  /// ahead: the rank is still busy; it gets half of its share, so that it does not sit on work when others run dry.
  /// fits: a chunk holds no more than that; when nothing that is ready fits, the end has come for this rank.
  [[nodiscard]] std::optional<Chunk> take(int rank, bool ahead = false, const Fits& fits = {});
  /// The item is committed, or its failure is. digest: what readers verify (stages), may be empty.
  void finish(std::size_t item, const std::string& digest);
  /// Nothing more is given out: take() says Chunk::finished.
  void close();
  /// The rank takes no more: what it took and did not finish is open to others again.
  void leave(int rank);
  /// Items that could be taken now.
  [[nodiscard]] std::size_t num_ready() const;
  /// Items neither done nor in somebody's hand.
  [[nodiscard]] std::size_t num_left() const;
  [[nodiscard]] const WorkItem& item(std::size_t index) const;
  [[nodiscard]] bool all_done() const;
  [[nodiscard]] std::size_t num_done() const;
  [[nodiscard]] std::size_t size() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Why nothing more is given out although work is left.
enum class End { max_fails, time };

struct Options {
  std::int64_t lanes_per_pack = 64;
  bool threaded = true;  // MPI_THREAD_MULTIPLE was provided
  /// Called by rank 0's service (its thread, or poll() and next() where there is none) when the count changed; may
  /// be empty.
  std::function<void(std::size_t done, std::size_t total)> on_progress;
  /// Why this rank wants to stop, if it does: asked by poll() and while next() waits, so it must be cheap. May be
  /// empty.
  std::function<std::optional<std::string>()> wish_to_stop{};
  /// Rank 0: seconds that are left for work that is not given out yet; empty: no limit. What would last longer, by what
  /// chunks took so far, is not given out.
  std::function<double()> time_left_s{};
  std::int64_t max_fails = 0;  // rank 0: after so many failed items nothing more is given out; 0: no limit
  /// Rank 0: called once, by its service or its destructor.
  std::function<void(End why)> on_end{};
};

/// One a rank, one at a time. Collective construction and destruction. A rank may end before all is done; its
/// unfinished items then go to others. While an exception unwinds, the destructor waits for nobody.
class Scheduler {
 public:
  Scheduler(const mpi::Communicator& world, std::vector<WorkItem> items, Options options);
  ~Scheduler();
  /// The next chunk; blocks (sleeping) while nothing is ready. The one after it is asked for in the background.
  [[nodiscard]] Chunk next();
  void finish(std::size_t item, const std::string& digest);
  /// The item failed, and that is committed. Those that depend on it are given out with this digest.
  void fail(std::size_t item, const std::string& digest);
  /// Cheap; to be called between steps. Does rank 0's answering when there is no service thread.
  void poll();
  /// Why all ranks are to stop at once, as soon as poll() or next() of this rank learnt of a rank's wish; "" before.
  [[nodiscard]] std::string stop_reason() const;

 private:
  class Role;  // rank 0's or another's part
  class Leader;
  class Worker;
  std::unique_ptr<Role> role_;
};

}  // namespace unroll::schedule
