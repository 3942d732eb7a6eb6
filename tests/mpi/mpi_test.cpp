#include "unroll/mpi/mpi.hpp"

#include <cstdlib>
#include <cstring>
#include <numeric>

#include "support/catch.hpp"
#include "unroll/base/error.hpp"

using unroll::mpi::Communicator;
using unroll::mpi::Message;
using unroll::mpi::PendingSend;

namespace {

std::vector<std::byte> filled(std::size_t size, int value) { return std::vector<std::byte>(size, std::byte(value)); }

std::vector<std::byte> bytes_of(int value) {
  std::vector<std::byte> bytes(sizeof value);
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

int int_of(const Message& message) {
  int value = -1;
  if (message.bytes.size() == sizeof value) {
    std::memcpy(&value, message.bytes.data(), sizeof value);
  }
  return value;
}

}  // namespace

TEST_CASE("ranks that mpirun has put on one node do not look for networks") {
  const char* ranks = std::getenv("OMPI_COMM_WORLD_SIZE");
  const char* here = std::getenv("OMPI_COMM_WORLD_LOCAL_SIZE");
  const char* layer = std::getenv("OMPI_MCA_pml");
  if (ranks == nullptr || here == nullptr) {
    return;  // another launcher: nothing is known of where the ranks are
  }

  CHECK((layer != nullptr) == (std::string(ranks) == here));
}

TEST_CASE("every rank gets the root's bytes, whichever rank is the root") {
  const Communicator world = Communicator::world();
  for (int root = 0; root < world.size(); ++root) {
    const std::string mine = "from rank " + std::to_string(world.rank());

    CHECK(world.broadcast(mine, root) == "from rank " + std::to_string(root));
    CHECK(world.broadcast(filled(100'000, world.rank() + 1), root) == filled(100'000, root + 1));
  }
}

TEST_CASE("an empty broadcast is empty everywhere") {
  const Communicator world = Communicator::world();

  CHECK(world.broadcast(std::string(world.rank() == 0 ? "" : "ignored"), 0).empty());
}

TEST_CASE("all_gather returns parts of unequal length by rank") {
  const Communicator world = Communicator::world();
  const std::string mine(static_cast<std::size_t>(world.rank()) * 3, static_cast<char>('a' + world.rank()));

  const std::vector<std::string> all = world.all_gather(mine);

  REQUIRE(static_cast<int>(all.size()) == world.size());
  for (int r = 0; r < world.size(); ++r) {
    CHECK(all[static_cast<std::size_t>(r)] == std::string(static_cast<std::size_t>(r) * 3, static_cast<char>('a' + r)));
  }
}

TEST_CASE("messages of one rank arrive whole and in order") {
  const Communicator world = Communicator::world();
  const int next = (world.rank() + 1) % world.size();
  const int previous = (world.rank() + world.size() - 1) % world.size();
  std::vector<PendingSend> sends;

  for (int i = 0; i < 20; ++i) {
    sends.push_back(world.post(next, 7, bytes_of(i)));
  }

  for (int i = 0; i < 20; ++i) {
    const Message message = world.receive(7);
    CHECK(message.source == previous);
    CHECK(message.tag == 7);
    CHECK(int_of(message) == i);
  }
  for (PendingSend& send : sends) {
    send.wait();
    CHECK(send.finished());
  }
}

TEST_CASE("posting a message beyond the eager limit returns before the receiver asks for it") {
  const Communicator world = Communicator::world();
  const int next = (world.rank() + 1) % world.size();

  // Blocking sends of this size around a ring would wait for each other for ever.
  PendingSend send = world.post(next, 8, filled(5'000'000, world.rank() + 1));
  const Message message = world.receive(8);

  CHECK(message.bytes == filled(5'000'000, message.source + 1));
  send.wait();
}

TEST_CASE("blocking sends reach rank 0 from every rank, and tags do not mix") {
  const Communicator world = Communicator::world();
  if (world.rank() != 0) {
    world.send(0, 1, bytes_of(100 + world.rank()));
    world.send(0, 2, bytes_of(200 + world.rank()));
  }

  if (world.rank() == 0) {
    for (const int tag : {2, 1}) {
      for (int i = 1; i < world.size(); ++i) {
        const Message message = world.receive(tag);
        CHECK(int_of(message) == 100 * tag + message.source);
      }
    }
    CHECK_FALSE(world.try_receive(1).has_value());
  }
  world.barrier();
}

TEST_CASE("an empty message is a message") {
  const Communicator world = Communicator::world();
  PendingSend send = world.post(world.rank(), 3, {});

  const Message message = world.receive(3);

  CHECK(message.source == world.rank());
  CHECK(message.bytes.empty());
  send.wait();
}

TEST_CASE("a duplicate keeps its messages apart from the original's") {
  const Communicator world = Communicator::world();
  const Communicator copy = world.duplicate();
  PendingSend send = copy.post(world.rank(), 4, bytes_of(1));

  CHECK_FALSE(world.try_receive(4).has_value());
  CHECK(int_of(copy.receive(4)) == 1);
  send.wait();
}

TEST_CASE("ranks on one machine share a node communicator") {
  const Communicator world = Communicator::world();

  const Communicator node = world.node();

  CHECK(node.size() == world.size());
  CHECK(node.rank() == world.rank());
}

TEST_CASE("a failing call throws with file, call and MPI's words, and the others go on") {
  const Communicator world = Communicator::world();

  CHECK_THROWS_AS(world.send(world.size() + 5, 1, {}), unroll::Error);
  CHECK_THROWS_WITH(world.send(world.size() + 5, 1, {}),
                    Catch::Contains("messages.cpp") && Catch::Contains("MPI_Send") && Catch::Contains("rank"));

  world.barrier();
}

TEST_CASE("the library names itself and the host") {
  CHECK_FALSE(unroll::mpi::library_version().empty());
  CHECK_FALSE(unroll::mpi::processor_name().empty());
}

TEST_CASE("a message beyond 2^30 bytes crosses in pieces", "[.][large]") {
  const Communicator world = Communicator::world();
  const std::size_t size = (std::size_t{1} << 30) + 12345;
  std::vector<std::byte> bytes = filled(world.rank() == 0 ? size : 0, 1);
  if (world.rank() == 0) {
    bytes.back() = std::byte(9);
  }

  if (world.rank() == 0 && world.size() > 1) {
    world.send(1, 5, bytes);
  } else if (world.rank() == 1) {
    const Message message = world.receive(5);
    CHECK(message.bytes.size() == size);
    CHECK(message.bytes.back() == std::byte(9));
    CHECK(message.bytes[std::size_t{1} << 29] == std::byte(1));
  }
  if (world.size() > 1) {
    const std::vector<std::byte> all = world.broadcast(bytes, 0);
    CHECK(all.size() == size);
    CHECK(all.back() == std::byte(9));
  }
}
