#pragma once
// A communicator of GPUs beside an MPI communicator. Nothing here waits without end: calls are non-blocking, and are
// looked after until a deadline: then they throw Failure, and the communicator cannot be used. It ends before MPI does.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "unroll/base/error.hpp"
#include "unroll/cuda/cuda.hpp"
#include "unroll/mpi/exchange.hpp"

namespace unroll::nccl {

/// NCCL's own words, or what was not done in time. The communicator, if there was one, has been aborted.
class Failure : public Error {
 public:
  using Error::Error;
};

struct Library {
  std::string path;  // of the file that this process has loaded
  int version = 0;   // 22809: 2.28.9
};
[[nodiscard]] Library library();
/// Of the header that this was compiled with.
[[nodiscard]] int header_version();
/// What is wrong with the libraries of all ranks: older than the header, or not the same version everywhere. Empty:
/// none.
[[nodiscard]] std::string library_problem(std::span<const int> version_of_rank);

struct Message {
  int peer = 0;
  void* device_memory = nullptr;
  std::size_t size_bytes = 0;
};

class Communicator {
 public:
  /// Called while it waits: keeps the ranks' other exchange going, and may throw.
  using Meanwhile = std::function<void()>;

  /// Collective. The device in use is this rank's, and no other rank's. `exchange` is idle, and carries the id. Failure
  /// too if the libraries do not fit (library_problem).
  Communicator(mpi::Exchange& exchange, int rank, int size, std::chrono::milliseconds deadline);
  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;
  /// Aborts what close() has not ended.
  ~Communicator();

  /// One group of messages on the stream, begun and, unless it fails, taken over by the stream. Messages between two
  /// ranks match in order; the ranks' groups must fit each other.
  void exchange(std::span<const Message> sends, std::span<const Message> receives, std::uintptr_t stream,
                const Meanwhile& meanwhile);
  /// Until the event is done, or the deadline.
  void wait(const cuda::Event& event, const Meanwhile& meanwhile);
  /// Collective.
  void close();
  void abort() noexcept;

 private:
  void settle(int result, const char* call, const Meanwhile& meanwhile);
  [[noreturn]] void fail(const std::string& what);
  void* handle_ = nullptr;
  std::chrono::milliseconds deadline_;
};

}  // namespace unroll::nccl
