// A note (kNote) is one byte: its sender lives, or leaves. Notes of one sender come in order, and none is taken after
// the one that says it leaves: the next are for the next exchange.
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
constexpr char kLives = 0, kLeaves = 1;

struct Peer {
  Clock::time_point heard;
  bool left = false, told_leave = false;
  MPI_Request request = MPI_REQUEST_NULL;
};

/// Between looks: none while messages move, then longer and longer ones.
class Pause {
 public:
  void after(bool moved) {
    if (moved) {
      *this = Pause();
    } else if (++looks_ > 100) {
      std::this_thread::sleep_for(length_);
      length_ = std::min(length_ * 2, std::chrono::microseconds(500));
    }
  }

 private:
  int looks_ = 0;
  std::chrono::microseconds length_{20};
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

  /// False: the note before has not gone yet.
  bool tell(Peer& peer, int to, const char& note) {
    if (peer.request != MPI_REQUEST_NULL) {
      int gone = 0;
      check_call(MPI_Test(&peer.request, &gone, MPI_STATUS_IGNORE), "MPI_Test", to);
      if (gone == 0) {
        return false;
      }
    }
    check_call(MPI_Isend(&note, 1, MPI_CHAR, to, kNote, comm, &peer.request), "MPI_Isend", to);
    return true;
  }

  void tell_all_that_it_lives() {
    for (std::size_t r = 0; r < peers.size(); ++r) {
      if (static_cast<int>(r) != rank && !peers[r].told_leave) {
        tell(peers[r], static_cast<int>(r), kLives);
      }
    }
  }

  /// True when every note, the last one too, has gone.
  bool tell_all_that_it_leaves() {
    bool gone = true;
    for (std::size_t r = 0; r < peers.size(); ++r) {
      Peer& peer = peers[r];
      if (static_cast<int>(r) == rank) {
        continue;
      }
      peer.told_leave = peer.told_leave || tell(peer, static_cast<int>(r), kLeaves);
      int done = 1;
      if (peer.request != MPI_REQUEST_NULL) {
        check_call(MPI_Test(&peer.request, &done, MPI_STATUS_IGNORE), "MPI_Test", static_cast<int>(r));
      }
      gone = gone && peer.told_leave && done != 0;
    }
    return gone;
  }

  [[nodiscard]] bool all_have_left() const {
    return std::all_of(peers.begin(), peers.end(), [](const Peer& peer) { return peer.left; });
  }

  void hear(int from) {
    Peer& peer = peers[static_cast<std::size_t>(from)];
    while (!peer.left) {
      int arrived = 0;
      MPI_Message handle = MPI_MESSAGE_NULL;
      check_call(MPI_Improbe(from, kNote, comm, &arrived, &handle, MPI_STATUS_IGNORE), "MPI_Improbe", from);
      if (arrived == 0) {
        return;
      }
      char note = kLives;
      check_call(MPI_Mrecv(&note, 1, MPI_CHAR, &handle, MPI_STATUS_IGNORE), "MPI_Mrecv", from);
      peer.heard = Clock::now();
      peer.left = note == kLeaves;
    }
  }

  void name_silent(Clock::time_point now) const {
    std::string ranks;
    Clock::duration longest{};
    for (std::size_t r = 0; r < peers.size(); ++r) {
      if (!peers[r].left && now - peers[r].heard > allowed) {
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
    for (int from = 0; from < static_cast<int>(peers.size()); ++from) {
      hear(from);
    }
    const Clock::time_point now = Clock::now();
    if (now - looked > allowed / 4) {
      for (Peer& peer : peers) {  // this rank was away itself: what was said meanwhile may be still on its way
        peer.heard = std::max(peer.heard, now - allowed / 2);
      }
    }
    looked = now;
    if (now - told > limits.silence / 10) {
      told = now;
      tell_all_that_it_lives();
    }
    name_silent(now);
    return moved;
  }
};

Exchange::Exchange(const Communicator& communicator, Limits limits) : state_(std::make_unique<State>()) {
  State& state = *state_;
  state.comm = to_comm(communicator.handle_);
  state.rank = communicator.rank();
  state.limits = limits;
  state.allowed = limits.silence;
  state.peers.resize(static_cast<std::size_t>(communicator.size()));
  const Clock::time_point now = Clock::now();
  state.looked = state.told = now;
  for (Peer& peer : state.peers) {
    peer.heard = now;
  }
  state.peers[static_cast<std::size_t>(state.rank)].left = true;
}

Exchange::~Exchange() {
  if (state_ != nullptr) {
    // Messages are under way, and the job is about to be aborted: what MPI may still use stays to the process's end.
    static_cast<void>(state_.release());
  }
}

void Exchange::finish() {
  Pause pause;
  wait();
  while (!state_->tell_all_that_it_leaves() || !state_->all_have_left()) {
    pause.after(state_->look());
  }
  sent_bytes_ = state_->sent_bytes;
  received_bytes_ = state_->received_bytes;
  state_.reset();
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
  Pause pause;
  while (!idle()) {
    pause.after(state_->look());
  }
}

bool Exchange::idle() const { return state_->pending.empty(); }
std::int64_t Exchange::sent_bytes() const { return state_ != nullptr ? state_->sent_bytes : sent_bytes_; }
std::int64_t Exchange::received_bytes() const { return state_ != nullptr ? state_->received_bytes : received_bytes_; }

}  // namespace unroll::mpi
