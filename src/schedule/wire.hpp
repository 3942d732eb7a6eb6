#pragma once
// The messages between rank 0 and the others as values, and their bytes (README.md says what each means).
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "unroll/schedule/schedule.hpp"

namespace unroll::schedule {

inline constexpr int kToLeaderTag = 1;
inline constexpr int kToWorkerTag = 2;

struct ToLeader {
  enum class Kind : std::uint64_t { finish, ask, leave, stop };
  Kind kind = Kind::ask;
  std::uint64_t number = 0;  // ask: which of this worker's
  bool idle = false;         // ask: the worker has nothing to do
  struct Finished {
    std::uint64_t item = 0;
    std::string digest{};
    bool has_failed = false;
  };
  std::vector<Finished> finished{};  // finish: at least one
  std::string reason{};              // stop
};

struct ToWorker {
  enum class Kind : std::uint64_t { chunk, bye, stop };
  Kind kind = Kind::chunk;
  std::uint64_t number = 0;  // of the ask that this answers
  Chunk chunk{};
  std::string reason{};  // stop
};

[[nodiscard]] std::vector<std::byte> encode(const ToLeader& message);
[[nodiscard]] std::vector<std::byte> encode(const ToWorker& message);
/// Error when the bytes are not a whole message.
[[nodiscard]] ToLeader decode_to_leader(std::span<const std::byte> bytes);
[[nodiscard]] ToWorker decode_to_worker(std::span<const std::byte> bytes);

}  // namespace unroll::schedule
