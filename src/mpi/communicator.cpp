#include <algorithm>
#include <exception>
#include <utility>

#include "check.hpp"
#include "pieces.hpp"
#include "unroll/base/error.hpp"
#include "unroll/mpi/mpi.hpp"

namespace unroll::mpi {
namespace {

std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void broadcast_in_place(MPI_Comm comm, std::span<std::byte> bytes, int root) {
  for (const Piece& piece : pieces(bytes.size())) {
    check(MPI_Bcast(bytes.data() + piece.offset, piece.count, MPI_BYTE, root, comm), "MPI_Bcast");
  }
}

std::vector<std::vector<std::byte>> gather_short(MPI_Comm comm, std::span<const std::byte> bytes,
                                                 const std::vector<std::uint64_t>& sizes) {
  std::vector<int> counts, offsets;
  int total = 0;
  for (const std::uint64_t size : sizes) {
    offsets.push_back(total);
    counts.push_back(static_cast<int>(size));
    total += static_cast<int>(size);
  }
  std::vector<std::byte> all(static_cast<std::size_t>(total));
  check(MPI_Allgatherv(bytes.data(), static_cast<int>(bytes.size()), MPI_BYTE, all.data(), counts.data(),
                       offsets.data(), MPI_BYTE, comm),
        "MPI_Allgatherv");
  std::vector<std::vector<std::byte>> result;
  for (std::size_t r = 0; r < sizes.size(); ++r) {
    const auto begin = all.begin() + offsets[r];
    result.emplace_back(begin, begin + counts[r]);
  }
  return result;
}

std::vector<std::vector<std::byte>> gather_long(MPI_Comm comm, std::span<const std::byte> bytes, int rank,
                                                const std::vector<std::uint64_t>& sizes) {
  std::vector<std::vector<std::byte>> result;
  for (std::size_t r = 0; r < sizes.size(); ++r) {
    std::vector<std::byte> part(sizes[r]);
    if (static_cast<int>(r) == rank) {
      std::copy(bytes.begin(), bytes.end(), part.begin());
    }
    broadcast_in_place(comm, part, static_cast<int>(r));
    result.push_back(std::move(part));
  }
  return result;
}

}  // namespace

Communicator::Communicator(std::uintptr_t handle, bool owned) : handle_(handle), owned_(owned) {
  check(MPI_Comm_rank(to_comm(handle), &rank_), "MPI_Comm_rank");
  check(MPI_Comm_size(to_comm(handle), &size_), "MPI_Comm_size");
}

Communicator::Communicator(Communicator&& other) noexcept
    : handle_(other.handle_), owned_(std::exchange(other.owned_, false)), rank_(other.rank_), size_(other.size_) {}

Communicator& Communicator::operator=(Communicator&& other) noexcept {
  if (this != &other) {
    free();
    handle_ = other.handle_;
    owned_ = std::exchange(other.owned_, false);
    rank_ = other.rank_;
    size_ = other.size_;
  }
  return *this;
}

Communicator::~Communicator() { free(); }

void Communicator::free() noexcept {
  // MPI_Comm_free is collective: a rank that unwinds alone must not enter it.
  if (owned_ && std::uncaught_exceptions() == 0) {
    MPI_Comm comm = to_comm(handle_);
    MPI_Comm_free(&comm);
  }
  owned_ = false;
}

Communicator Communicator::world() { return Communicator(to_handle(MPI_COMM_WORLD), false); }

Communicator Communicator::duplicate() const {
  MPI_Comm copy = MPI_COMM_NULL;
  check(MPI_Comm_dup(to_comm(handle_), &copy), "MPI_Comm_dup");
  return Communicator(to_handle(copy), true);
}

Communicator Communicator::node() const {
  MPI_Comm part = MPI_COMM_NULL;
  check(MPI_Comm_split_type(to_comm(handle_), MPI_COMM_TYPE_SHARED, rank_, MPI_INFO_NULL, &part),
        "MPI_Comm_split_type");
  return Communicator(to_handle(part), true);
}

void Communicator::barrier() const { check(MPI_Barrier(to_comm(handle_)), "MPI_Barrier"); }

std::vector<std::byte> Communicator::broadcast(std::span<const std::byte> bytes, int root) const {
  std::uint64_t size = bytes.size();
  check(MPI_Bcast(&size, 1, MPI_UINT64_T, root, to_comm(handle_)), "MPI_Bcast");
  std::vector<std::byte> result(size);
  if (rank_ == root) {
    std::copy(bytes.begin(), bytes.end(), result.begin());
  }
  broadcast_in_place(to_comm(handle_), result, root);
  return result;
}

std::string Communicator::broadcast(const std::string& text, int root) const {
  return text_of(broadcast(bytes_of(text), root));
}

std::vector<std::vector<std::byte>> Communicator::all_gather(std::span<const std::byte> bytes) const {
  const std::uint64_t size = bytes.size();
  std::vector<std::uint64_t> sizes(static_cast<std::size_t>(size_));
  check(MPI_Allgather(&size, 1, MPI_UINT64_T, sizes.data(), 1, MPI_UINT64_T, to_comm(handle_)), "MPI_Allgather");
  std::uint64_t total = 0;
  for (const std::uint64_t part : sizes) {
    total += part;
  }
  return total <= kPieceBytes ? gather_short(to_comm(handle_), bytes, sizes)
                              : gather_long(to_comm(handle_), bytes, rank_, sizes);
}

std::vector<std::string> Communicator::all_gather(const std::string& text) const {
  std::vector<std::string> result;
  for (const auto& part : all_gather(bytes_of(text))) {
    result.push_back(text_of(part));
  }
  return result;
}

}  // namespace unroll::mpi
