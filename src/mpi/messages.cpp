// Point to point. A message is one MPI message of its bytes behind an 8-byte size, or, beyond kPieceBytes, the size
// alone followed by its pieces with the same tag (MPI keeps the order of one sender and tag).
#include <algorithm>
#include <chrono>
#include <cstring>
#include <exception>
#include <thread>
#include <utility>

#include "check.hpp"
#include "pieces.hpp"
#include "unroll/base/error.hpp"
#include "unroll/mpi/mpi.hpp"

namespace unroll::mpi {
namespace {

constexpr std::size_t kHeaderBytes = sizeof(std::uint64_t);

bool fits_one_message(std::size_t size) { return size + kHeaderBytes <= kPieceBytes; }

std::vector<std::byte> first_message(std::span<const std::byte> bytes) {
  const std::uint64_t size = bytes.size();
  const std::size_t inline_bytes = fits_one_message(bytes.size()) ? bytes.size() : 0;
  std::vector<std::byte> message(kHeaderBytes + inline_bytes);
  std::memcpy(message.data(), &size, kHeaderBytes);
  std::copy_n(bytes.begin(), inline_bytes, message.begin() + kHeaderBytes);
  return message;
}

std::vector<std::byte> receive_pieces(MPI_Comm comm, int source, int tag, std::size_t size) {
  std::vector<std::byte> bytes(size);
  for (const Piece& piece : pieces(size)) {
    check(MPI_Recv(bytes.data() + piece.offset, piece.count, MPI_BYTE, source, tag, comm, MPI_STATUS_IGNORE),
          "MPI_Recv");
  }
  return bytes;
}

}  // namespace

struct PendingSend::State {
  std::vector<std::byte> head;  // size, and the bytes when they fit
  std::vector<std::byte> tail;  // the bytes that went in pieces
  std::vector<MPI_Request> requests;
};

PendingSend::PendingSend(std::unique_ptr<State> state) : state_(std::move(state)) {}
PendingSend::PendingSend(PendingSend&& other) noexcept = default;

PendingSend& PendingSend::operator=(PendingSend&& other) noexcept {
  if (this != &other) {
    end();
    state_ = std::move(other.state_);
  }
  return *this;
}

PendingSend::~PendingSend() { end(); }

void PendingSend::end() noexcept {
  if (state_ == nullptr) {
    return;
  }
  if (std::uncaught_exceptions() == 0) {
    MPI_Waitall(static_cast<int>(state_->requests.size()), state_->requests.data(), MPI_STATUSES_IGNORE);
    state_.reset();
  } else {
    // MPI may still read the bytes and the job is about to be aborted: they are left to the end of the process.
    static_cast<void>(state_.release());
  }
}

bool PendingSend::finished() {
  if (state_ == nullptr) {
    return true;
  }
  int done = 0;
  check(MPI_Testall(static_cast<int>(state_->requests.size()), state_->requests.data(), &done, MPI_STATUSES_IGNORE),
        "MPI_Testall");
  if (done != 0) {
    state_.reset();
  }
  return done != 0;
}

void PendingSend::wait() {
  if (state_ != nullptr) {
    check(MPI_Waitall(static_cast<int>(state_->requests.size()), state_->requests.data(), MPI_STATUSES_IGNORE),
          "MPI_Waitall");
    state_.reset();
  }
}

void Communicator::send(int destination, int tag, std::span<const std::byte> bytes) const {
  const std::vector<std::byte> head = first_message(bytes);
  check(MPI_Send(head.data(), static_cast<int>(head.size()), MPI_BYTE, destination, tag, to_comm(handle_)), "MPI_Send");
  if (fits_one_message(bytes.size())) {
    return;
  }
  for (const Piece& piece : pieces(bytes.size())) {
    check(MPI_Send(bytes.data() + piece.offset, piece.count, MPI_BYTE, destination, tag, to_comm(handle_)), "MPI_Send");
  }
}

PendingSend Communicator::post(int destination, int tag, std::vector<std::byte> bytes) const {
  PendingSend send(std::make_unique<PendingSend::State>());
  PendingSend::State& state = *send.state_;
  const auto start = [&](const std::byte* data, int count) {
    MPI_Request request = MPI_REQUEST_NULL;
    check(MPI_Isend(data, count, MPI_BYTE, destination, tag, to_comm(handle_), &request), "MPI_Isend");
    state.requests.push_back(request);
  };
  state.head = first_message(bytes);
  start(state.head.data(), static_cast<int>(state.head.size()));
  if (!fits_one_message(bytes.size())) {
    state.tail = std::move(bytes);
    for (const Piece& piece : pieces(state.tail.size())) {
      start(state.tail.data() + piece.offset, piece.count);
    }
  }
  return send;
}

std::optional<Message> Communicator::try_receive(int tag) const {
  int arrived = 0;
  MPI_Message handle = MPI_MESSAGE_NULL;
  MPI_Status status{};
  check(MPI_Improbe(MPI_ANY_SOURCE, tag, to_comm(handle_), &arrived, &handle, &status), "MPI_Improbe");
  if (arrived == 0) {
    return std::nullopt;
  }
  int count = 0;
  check(MPI_Get_count(&status, MPI_BYTE, &count), "MPI_Get_count");
  std::vector<std::byte> head(static_cast<std::size_t>(count));
  check(MPI_Mrecv(head.data(), count, MPI_BYTE, &handle, MPI_STATUS_IGNORE), "MPI_Mrecv");
  if (head.size() < kHeaderBytes) {
    throw Error("a message of " + std::to_string(head.size()) + " bytes from rank " +
                std::to_string(status.MPI_SOURCE) + " has no header");
  }
  std::uint64_t size = 0;
  std::memcpy(&size, head.data(), kHeaderBytes);
  if (!fits_one_message(size)) {
    return Message{status.MPI_SOURCE, tag, receive_pieces(to_comm(handle_), status.MPI_SOURCE, tag, size)};
  }
  head.erase(head.begin(), head.begin() + kHeaderBytes);
  return Message{status.MPI_SOURCE, tag, std::move(head)};
}

Message Communicator::receive(int tag) const {
  // A short wait is the usual one; a long wait costs two thousand probes a second.
  std::chrono::microseconds pause(20);
  while (true) {
    if (std::optional<Message> message = try_receive(tag)) {
      return std::move(*message);
    }
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 2, std::chrono::microseconds(500));
  }
}

}  // namespace unroll::mpi
