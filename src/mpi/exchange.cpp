// Notes (kNote) are 8 bytes: the number of the exchange, twice, plus one when the sender leaves.
#include "unroll/mpi/exchange.hpp"

#include <algorithm>
#include <array>
#include <exception>
#include <thread>
#include <utility>
#include <vector>

#include "check.hpp"
#include "pieces.hpp"
#include "unroll/base/error.hpp"

namespace unroll::mpi {
namespace {

using Clock = std::chrono::steady_clock;
constexpr int kData = 1, kNote = 2;

struct Peer {
  Clock::time_point heard;
  bool left = false;
  std::uint64_t note = 0;  // the last one sent, alive until it has gone
  MPI_Request request = MPI_REQUEST_NULL;
};

std::string seconds_text(Clock::duration time) {
  const auto tenths = std::chrono::duration_cast<std::chrono::milliseconds>(time).count() / 100;
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " s";
}

}  // namespace

struct Exchange::State {
  MPI_Comm comm;
  int rank;
  Limits limits;
  std::chrono::milliseconds allowed;  // silence, now
  std::uint64_t number;
  std::vector<Peer> peers;
  std::vector<MPI_Request> pending;
  std::vector<int> peer_of_pending;
  std::int64_t sent_bytes = 0, received_bytes = 0;
  Clock::time_point looked, told;

  void check_call(int code, const char* call, int peer) const {
    if (code != MPI_SUCCESS) {
      try {
        check(code, call);
      } catch (const Error& error) {
        throw Error("rank " + std::to_string(peer) + " cannot be reached from rank " + std::to_string(rank) + ": " +
                    error.what());
      }
    }
  }

  void add(MPI_Request request, int peer) {
    pending.push_back(request);
    peer_of_pending.push_back(peer);
  }

  /// True when a message has ended.
  bool move_on() {
    if (pending.empty()) {
      return false;
    }
    int count = 0;
    std::vector<int> ended(pending.size());
    std::vector<MPI_Status> statuses(pending.size());
    const int code =
        MPI_Testsome(static_cast<int>(pending.size()), pending.data(), &count, ended.data(), statuses.data());
    if (code == MPI_ERR_IN_STATUS) {
      for (int i = 0; i < count; ++i) {
        const auto at = static_cast<std::size_t>(i);
        check_call(statuses[at].MPI_ERROR, "a message", peer_of_pending[static_cast<std::size_t>(ended[at])]);
      }
    }
    check(code, "MPI_Testsome");
    if (count <= 0) {
      return false;
    }
    std::size_t kept = 0;
    for (std::size_t i = 0; i < pending.size(); ++i) {
      if (pending[i] != MPI_REQUEST_NULL) {
        pending[kept] = pending[i];
        peer_of_pending[kept++] = peer_of_pending[i];
      }
    }
    pending.resize(kept);
    peer_of_pending.resize(kept);
    return true;
  }

  void tell(Peer& peer, int to, bool leaving) {
    if (peer.request != MPI_REQUEST_NULL) {
      int gone = 0;
      check_call(MPI_Test(&peer.request, &gone, MPI_STATUS_IGNORE), "MPI_Test", to);
      if (gone == 0) {
        return;
      }
    }
    peer.note = number * 2 + (leaving ? 1 : 0);
    check_call(MPI_Isend(&peer.note, 1, MPI_UINT64_T, to, kNote, comm, &peer.request), "MPI_Isend", to);
  }

  void tell_all(bool leaving) {
    for (std::size_t r = 0; r < peers.size(); ++r) {
      if (static_cast<int>(r) != rank) {
        tell(peers[r], static_cast<int>(r), leaving);
      }
    }
  }

  void hear() {
    while (true) {
      int arrived = 0;
      MPI_Message handle = MPI_MESSAGE_NULL;
      MPI_Status status{};
      check(MPI_Improbe(MPI_ANY_SOURCE, kNote, comm, &arrived, &handle, &status), "MPI_Improbe");
      if (arrived == 0) {
        return;
      }
      std::uint64_t note = 0;
      check(MPI_Mrecv(&note, 1, MPI_UINT64_T, &handle, MPI_STATUS_IGNORE), "MPI_Mrecv");
      Peer& peer = peers[static_cast<std::size_t>(status.MPI_SOURCE)];
      if (note / 2 >= number) {
        peer.heard = Clock::now();
        peer.left = peer.left || note > number * 2;  // a later exchange: it has left this one
      }
    }
  }

  void name_silent(Clock::time_point now) const {
    std::string ranks;
    Clock::duration longest{};
    for (std::size_t r = 0; r < peers.size(); ++r) {
      if (static_cast<int>(r) != rank && !peers[r].left && now - peers[r].heard > allowed) {
        ranks += (ranks.empty() ? "rank " : ", rank ") + std::to_string(r);
        longest = std::max(longest, now - peers[r].heard);
      }
    }
    if (!ranks.empty()) {
      throw Error(ranks + ": silent for " + seconds_text(longest) + " while rank " + std::to_string(rank) +
                  " exchanged weights with it (allowed: " + seconds_text(allowed) +
                  "): killed, stopped, cut off or still at other work");
    }
  }

  bool look() {
    const bool moved = move_on();
    hear();
    const Clock::time_point now = Clock::now();
    if (now - looked > allowed / 4) {
      for (Peer& peer : peers) {  // this rank was away itself: what was said meanwhile may be still on its way
        peer.heard = std::max(peer.heard, now - allowed / 2);
      }
    }
    looked = now;
    if (now - told > limits.silence / 10) {
      told = now;
      tell_all(false);
    }
    name_silent(now);
    return moved;
  }
};

Exchange::Exchange(const Communicator& communicator, Limits limits, std::uint64_t number)
    : state_(std::make_unique<State>()) {
  State& state = *state_;
  state.comm = to_comm(communicator.handle_);
  state.rank = communicator.rank();
  state.limits = limits;
  state.allowed = limits.silence;
  state.number = number;
  state.peers.resize(static_cast<std::size_t>(communicator.size()));
  const Clock::time_point now = Clock::now();
  state.looked = state.told = now;
  for (Peer& peer : state.peers) {
    peer.heard = now;
  }
}

Exchange::~Exchange() {
  if (std::uncaught_exceptions() > 0) {
    // MPI may still use the notes, and the job is about to be aborted: they are left to the end of the process.
    static_cast<void>(state_.release());
    return;
  }
  try {
    for (std::size_t r = 0; r < state_->peers.size(); ++r) {
      Peer& peer = state_->peers[r];
      if (static_cast<int>(r) == state_->rank) {
        continue;
      }
      if (peer.request != MPI_REQUEST_NULL) {
        MPI_Wait(&peer.request, MPI_STATUS_IGNORE);
      }
      state_->tell(peer, static_cast<int>(r), true);
      MPI_Wait(&peer.request, MPI_STATUS_IGNORE);
    }
  } catch (const Error&) {
    // The next exchange, or the end of the job, will say so.
  }
}

void Exchange::allow(std::chrono::milliseconds silence) {
  state_->allowed = silence;
  for (Peer& peer : state_->peers) {
    peer.heard = Clock::now();
  }
}

void Exchange::send(int to, std::span<const std::byte> bytes) {
  for (const Piece& piece : pieces(bytes.size(), state_->limits.piece_bytes)) {
    MPI_Request request = MPI_REQUEST_NULL;
    state_->check_call(MPI_Isend(bytes.data() + piece.offset, piece.count, MPI_BYTE, to, kData, state_->comm, &request),
                       "MPI_Isend", to);
    state_->add(request, to);
  }
  state_->sent_bytes += to == state_->rank ? 0 : static_cast<std::int64_t>(bytes.size());
}

void Exchange::receive(int from, std::span<std::byte> bytes) {
  for (const Piece& piece : pieces(bytes.size(), state_->limits.piece_bytes)) {
    MPI_Request request = MPI_REQUEST_NULL;
    state_->check_call(
        MPI_Irecv(bytes.data() + piece.offset, piece.count, MPI_BYTE, from, kData, state_->comm, &request), "MPI_Irecv",
        from);
    state_->add(request, from);
  }
  state_->received_bytes += from == state_->rank ? 0 : static_cast<std::int64_t>(bytes.size());
}

void Exchange::poll() { state_->look(); }

void Exchange::wait() {
  int looks = 0;
  std::chrono::microseconds pause(20);
  while (!finished()) {
    if (state_->look()) {
      looks = 0;
      pause = std::chrono::microseconds(20);
    } else if (++looks > 100) {
      std::this_thread::sleep_for(pause);
      pause = std::min(pause * 2, std::chrono::microseconds(500));
    }
  }
}

bool Exchange::finished() const { return state_->pending.empty(); }
std::int64_t Exchange::sent_bytes() const { return state_->sent_bytes; }
std::int64_t Exchange::received_bytes() const { return state_->received_bytes; }

}  // namespace unroll::mpi
