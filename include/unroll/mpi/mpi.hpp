#pragma once
// Checked, value-returning MPI. main owns the Environment, then Communicators; scope exit ends them in reverse.
// MPI_ERRORS_RETURN is set, and every call is checked: Error names file, line, call and MPI's own words.
// Counts are int in MPI 3: whatever is longer than 2^30 bytes crosses in pieces, which no caller sees.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace unroll::mpi {

enum class ThreadLevel { single, funneled, serialized, multiple };

/// multiple, unless the environment variable UNROLL_MPI_THREADS names a lower level (single, funneled, serialized):
/// for MPI libraries whose MPI_THREAD_MULTIPLE is broken, and for tests. UsageError for other values.
[[nodiscard]] ThreadLevel wanted_thread_level();

/// MPI_Init_thread / MPI_Finalize. While an exception unwinds, it aborts instead of finalizing (a collective).
class Environment {
 public:
  /// alone: no launcher started this process, so nothing is set up for peers.
  explicit Environment(ThreadLevel wanted, bool alone = false);
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;
  ~Environment();
  [[nodiscard]] ThreadLevel provided() const { return provided_; }
  [[noreturn]] static void abort(int code);

 private:
  ThreadLevel provided_;
  int exceptions_at_start_;
};

struct Message {
  int source = 0;
  int tag = 0;
  std::vector<std::byte> bytes;
};

/// A send that is under way; owns the bytes. The destructor waits for it, except while an exception unwinds.
class PendingSend {
 public:
  PendingSend(PendingSend&& other) noexcept;
  PendingSend& operator=(PendingSend&& other) noexcept;
  ~PendingSend();
  /// Never blocks.
  [[nodiscard]] bool finished();
  void wait();

 private:
  friend class Communicator;
  struct State;
  explicit PendingSend(std::unique_ptr<State> state);
  void end() noexcept;
  std::unique_ptr<State> state_;
};

class Communicator {
 public:
  static Communicator world();
  /// Collective. A duplicate with its own tags.
  [[nodiscard]] Communicator duplicate() const;
  /// Collective. Ranks that share this rank's node (MPI_Comm_split_type).
  [[nodiscard]] Communicator node() const;
  Communicator(Communicator&& other) noexcept;
  Communicator& operator=(Communicator&& other) noexcept;
  ~Communicator();

  [[nodiscard]] int rank() const { return rank_; }
  [[nodiscard]] int size() const { return size_; }

  /// Collective.
  void barrier() const;
  /// Collective. Every rank gets root's bytes.
  [[nodiscard]] std::vector<std::byte> broadcast(std::span<const std::byte> bytes, int root) const;
  [[nodiscard]] std::string broadcast(const std::string& text, int root) const;
  /// Collective. Every rank gets every rank's bytes, by rank.
  [[nodiscard]] std::vector<std::vector<std::byte>> all_gather(std::span<const std::byte> bytes) const;
  [[nodiscard]] std::vector<std::string> all_gather(const std::string& text) const;

  /// Messages from one rank with one tag arrive in the order sent. Of messages beyond 2^30 bytes, only one thread at a
  /// time may send (or receive) with the same tag.
  void send(int destination, int tag, std::span<const std::byte> bytes) const;
  /// Returns at once, even if the receiver is busy.
  [[nodiscard]] PendingSend post(int destination, int tag, std::vector<std::byte> bytes) const;
  /// The next message for tag from any source, if one has arrived (never blocks; waits for the rest of one that
  /// comes in pieces).
  [[nodiscard]] std::optional<Message> try_receive(int tag) const;
  /// Waits for it by probing, with sleeps between probes: no core is spun.
  [[nodiscard]] Message receive(int tag) const;

 private:
  friend class Exchange;
  explicit Communicator(std::uintptr_t handle, bool owned);
  void free() noexcept;
  std::uintptr_t handle_ = 0;  // an MPI_Comm, kept opaque so that mpi.h stays in this module
  bool owned_ = false;
  int rank_ = 0;
  int size_ = 1;
};

[[nodiscard]] std::string processor_name();
/// "Open MPI 4.1.4 ..." as the library says it.
[[nodiscard]] std::string library_version();

}  // namespace unroll::mpi
