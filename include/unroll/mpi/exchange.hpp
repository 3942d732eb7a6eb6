#pragma once
// Messages of which both ends know length and order, straight from and into the caller's memory, watched: a rank of
// which nothing is heard for too long is named. All ranks of the communicator are in the exchange from its constructor
// to finish(); while they are, they tell each other now and then that they live, and at the end that they leave.
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

  /// Does not wait for the others. One exchange of a communicator at a time, and nobody else uses it meanwhile.
  Exchange(const Communicator& communicator, Limits limits);
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  /// Without finish(), the others find this rank silent.
  ~Exchange();
  /// Collective, the last call: until all messages have gone or come and every rank has called it. Error as wait's.
  void finish();

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
  [[nodiscard]] bool idle() const;
  /// To other ranks.
  [[nodiscard]] std::int64_t sent_bytes() const;
  [[nodiscard]] std::int64_t received_bytes() const;

 private:
  struct State;
  std::unique_ptr<State> state_;  // null when finished
  std::int64_t sent_bytes_ = 0, received_bytes_ = 0;
};

}  // namespace unroll::mpi
