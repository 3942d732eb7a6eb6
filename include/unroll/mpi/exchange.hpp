#pragma once
// Messages of which both ends know length and order, straight from and into the caller's memory, watched: a rank of
// which nothing is heard for too long is named. All ranks of the communicator are in the exchange from its constructor
// to its destructor; while they are, they tell each other now and then that they live, and at the end that they leave.
// So a rank that waits for a living one, which itself waits for a dead one, does not blame the living.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "unroll/mpi/mpi.hpp"

namespace unroll::mpi {

class Exchange {
 public:
  struct Limits {
    std::size_t piece_bytes = std::size_t{1} << 28;  // up to 2^30
    std::chrono::milliseconds silence{60'000};
  };

  /// Does not wait for the others. `number` tells the exchanges of one communicator apart: greater each time, the same
  /// on all ranks. One exchange of a communicator at a time.
  Exchange(const Communicator& communicator, Limits limits, std::uint64_t number);
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  /// While an exception unwinds, messages under way stay as they are, and the others are told nothing.
  ~Exchange();

  /// From now on another silence counts as too long (while ranks come one by one, a longer one).
  void allow(std::chrono::milliseconds silence);
  /// Messages of one rank to another arrive in the order posted. The memory is left alone until the next wait() ends.
  void send(int to, std::span<const std::byte> bytes);
  void receive(int from, std::span<std::byte> bytes);
  /// Never blocks: moves messages on and says that this rank lives. To be called between stretches of work. Error names
  /// ranks that are silent.
  void poll();
  /// Until every message that was posted here has gone or come. Sleeps between looks. Error as poll's.
  void wait();
  [[nodiscard]] bool finished() const;
  /// To other ranks.
  [[nodiscard]] std::int64_t sent_bytes() const;
  [[nodiscard]] std::int64_t received_bytes() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace unroll::mpi
