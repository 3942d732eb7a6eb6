#include "unroll/nccl/nccl.hpp"

#include <dlfcn.h>
#include <nccl.h>

#include <thread>
#include <vector>

namespace unroll::nccl {
namespace {

using Clock = std::chrono::steady_clock;

ncclComm_t to_comm(void* handle) { return static_cast<ncclComm_t>(handle); }

void rest() { std::this_thread::sleep_for(std::chrono::microseconds(50)); }

void check(ncclResult_t result, const char* call) {
  if (result != ncclSuccess) {
    throw Failure(std::string(call) + " failed: " + ncclGetErrorString(result));
  }
}

std::string version_text(int version) {
  return std::to_string(version / 10000) + "." + std::to_string(version / 100 % 100) + "." +
         std::to_string(version % 100);
}

/// Everybody's version; rank 0's id on every rank.
ncclUniqueId agree(mpi::Exchange& exchange, int rank, int size) {
  std::vector<int> versions(static_cast<std::size_t>(size));
  const auto here = static_cast<std::size_t>(rank);
  ncclUniqueId id{};
  // What fails here is told as version 0: every rank has to come as far as the messages.
  const bool ready =
      ncclGetVersion(&versions[here]) == ncclSuccess && (rank != 0 || ncclGetUniqueId(&id) == ncclSuccess);
  versions[here] = ready ? versions[here] : 0;
  for (int other = 0; other < size; ++other) {
    if (other != rank) {
      const auto there = static_cast<std::size_t>(other);
      exchange.send(other, std::as_bytes(std::span(&versions[here], 1)));
      exchange.receive(other, std::as_writable_bytes(std::span(&versions[there], 1)));
      if (rank == 0) {
        exchange.send(other, std::as_bytes(std::span(&id, 1)));
      } else if (other == 0) {
        exchange.receive(0, std::as_writable_bytes(std::span(&id, 1)));
      }
    }
  }
  exchange.wait();
  const std::string problem = library_problem(versions);
  if (!problem.empty()) {
    throw Failure(problem);
  }
  return id;
}

}  // namespace

Library library() {
  Library result;
  check(ncclGetVersion(&result.version), "ncclGetVersion");
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(&ncclGetVersion), &info) != 0 && info.dli_fname != nullptr) {
    result.path = info.dli_fname;
  }
  return result;
}

int header_version() { return NCCL_VERSION_CODE; }

std::string library_problem(std::span<const int> version_of_rank) {
  for (std::size_t rank = 0; rank < version_of_rank.size(); ++rank) {
    if (version_of_rank[rank] == 0) {
      return "NCCL does not start on rank " + std::to_string(rank);
    }
    if (version_of_rank[rank] != version_of_rank[0]) {
      return "rank 0 has NCCL " + version_text(version_of_rank[0]) + ", rank " + std::to_string(rank) + " has " +
             version_text(version_of_rank[rank]);
    }
  }
  if (!version_of_rank.empty() && version_of_rank[0] < header_version()) {
    return "NCCL " + version_text(version_of_rank[0]) + " was loaded; this program was built for " +
           version_text(header_version());
  }
  return "";
}

Communicator::Communicator(mpi::Exchange& exchange, int rank, int size, std::chrono::milliseconds deadline)
    : deadline_(deadline) {
  const ncclUniqueId id = agree(exchange, rank, size);
  ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
  config.blocking = 0;
  ncclComm_t comm = nullptr;
  const ncclResult_t result = ncclCommInitRankConfig(&comm, size, id, rank, &config);
  handle_ = comm;
  settle(result, "ncclCommInitRankConfig", [&exchange] { exchange.poll(); });
}

Communicator::~Communicator() { abort(); }

void Communicator::fail(const std::string& what) {
  abort();
  throw Failure(what);
}

void Communicator::settle(int result, const char* call, const Meanwhile& meanwhile) {
  const Clock::time_point end = Clock::now() + deadline_;
  auto state = static_cast<ncclResult_t>(result);
  while (state == ncclInProgress && handle_ != nullptr) {
    if (Clock::now() > end) {
      fail(std::string(call) + ": not done after " + std::to_string(deadline_.count()) + " ms");
    }
    meanwhile();
    rest();
    if (ncclCommGetAsyncError(to_comm(handle_), &state) != ncclSuccess) {
      fail(std::string(call) + ": ncclCommGetAsyncError failed");
    }
  }
  if (state != ncclSuccess) {
    fail(std::string(call) + " failed: " + ncclGetErrorString(state));
  }
}

void Communicator::exchange(std::span<const Message> sends, std::span<const Message> receives, std::uintptr_t stream,
                            const Meanwhile& meanwhile) {
  auto* const on = reinterpret_cast<cudaStream_t>(stream);
  const auto begun = [this](ncclResult_t result, const char* call) {
    if (result != ncclSuccess && result != ncclInProgress) {
      fail(std::string(call) + " failed: " + ncclGetErrorString(result));
    }
  };
  begun(ncclGroupStart(), "ncclGroupStart");
  for (const Message& send : sends) {
    begun(ncclSend(send.device_memory, send.size_bytes, ncclInt8, send.peer, to_comm(handle_), on), "ncclSend");
  }
  for (const Message& receive : receives) {
    begun(ncclRecv(receive.device_memory, receive.size_bytes, ncclInt8, receive.peer, to_comm(handle_), on),
          "ncclRecv");
  }
  settle(ncclGroupEnd(), "ncclGroupEnd", meanwhile);
}

void Communicator::wait(const cuda::Event& event, const Meanwhile& meanwhile) {
  const Clock::time_point end = Clock::now() + deadline_;
  while (!event.done()) {
    ncclResult_t state = ncclSuccess;
    if (ncclCommGetAsyncError(to_comm(handle_), &state) != ncclSuccess ||
        (state != ncclSuccess && state != ncclInProgress)) {
      fail(std::string("messages between GPUs failed: ") + ncclGetErrorString(state));
    }
    if (Clock::now() > end) {
      fail("messages between GPUs: not done after " + std::to_string(deadline_.count()) + " ms");
    }
    meanwhile();
    rest();
  }
}

void Communicator::close() {
  if (handle_ != nullptr) {
    settle(ncclCommFinalize(to_comm(handle_)), "ncclCommFinalize", [] {});
    check(ncclCommDestroy(to_comm(handle_)), "ncclCommDestroy");
    handle_ = nullptr;
  }
}

void Communicator::abort() noexcept {
  if (handle_ != nullptr) {
    ncclCommAbort(to_comm(handle_));
    handle_ = nullptr;
  }
}

}  // namespace unroll::nccl
