#include "unroll/mpi/exchange.hpp"

#include <optional>
#include <thread>

#include "support/catch.hpp"
#include "unroll/base/error.hpp"

using unroll::mpi::Communicator;
using unroll::mpi::Exchange;

namespace {

std::vector<std::byte> filled(std::size_t size, int value) { return std::vector<std::byte>(size, std::byte(value)); }

}  // namespace

TEST_CASE("messages of an exchange cross whole and in order, however small the pieces") {
  const Communicator world = Communicator::world().duplicate();
  for (const std::size_t piece : {std::size_t{1} << 28, std::size_t{1000}, std::size_t{7}}) {
    Exchange exchange(world, {piece, std::chrono::seconds(60)});
    const std::vector<std::byte> first = filled(20'001, world.rank() + 1), second = filled(13, world.rank() + 101);
    std::vector<std::vector<std::byte>> firsts, seconds;
    for (int r = 0; r < world.size(); ++r) {
      firsts.emplace_back(first.size());
      seconds.emplace_back(second.size());
    }

    for (int r = 0; r < world.size(); ++r) {
      const auto at = static_cast<std::size_t>(r);
      exchange.receive(r, firsts[at]);
      exchange.receive(r, seconds[at]);
      exchange.send(r, first);
      exchange.send(r, second);
    }
    exchange.wait();

    CHECK(exchange.idle());
    exchange.finish();
    CHECK(exchange.sent_bytes() == 20'014 * (world.size() - 1));
    CHECK(exchange.received_bytes() == 20'014 * (world.size() - 1));
    for (int r = 0; r < world.size(); ++r) {
      CHECK(firsts[static_cast<std::size_t>(r)] == filled(20'001, r + 1));
      CHECK(seconds[static_cast<std::size_t>(r)] == filled(13, r + 101));
    }
  }
}

TEST_CASE("exchanges follow each other, though some ranks are done early") {
  const Communicator world = Communicator::world().duplicate();
  for (int i = 0; i < 50; ++i) {
    Exchange exchange(world, {1000, std::chrono::seconds(60)});
    const std::vector<std::byte> sent = filled(5000, i);
    std::vector<std::byte> received(5000);
    if (world.rank() == 0) {
      for (int to = 1; to < world.size(); ++to) {
        exchange.send(to, sent);
      }
    } else {
      exchange.receive(0, received);
    }

    exchange.finish();

    CHECK((world.rank() == 0 || received == sent));
  }
}

TEST_CASE("a rank that waits for one that is alive, but slow, goes on waiting") {
  const Communicator world = Communicator::world().duplicate();
  Exchange exchange(world, {1000, std::chrono::seconds(2)});
  const std::vector<std::byte> sent = filled(10, 1);
  std::vector<std::byte> received(10);
  if (world.rank() != 0) {
    exchange.receive(0, received);
  }

  if (world.rank() == 0) {  // works for longer than silence may last, and says that it lives
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(3);
    while (std::chrono::steady_clock::now() < end) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      exchange.poll();
    }
    for (int to = 1; to < world.size(); ++to) {
      exchange.send(to, sent);
    }
  }
  CHECK_NOTHROW(exchange.finish());

  CHECK((world.rank() == 0 || received == sent));
}

TEST_CASE("a rank that says nothing is named, and no other") {
  const Communicator world = Communicator::world(), copy = world.duplicate();
  const int silent = world.size() - 1, asked = silent == 1 ? silent : 1;
  const Exchange::Limits limits{1000, std::chrono::seconds(3)};
  const std::vector<std::byte> sent = filled(10, 1);
  std::vector<std::byte> received(10);
  std::optional<Exchange> exchange;

  // Rank 1 waits for the silent rank, the others for rank 1, which lives.
  if (world.rank() != silent) {
    exchange.emplace(copy, limits);
    exchange->receive(world.rank() == 1 ? silent : asked, received);
    CHECK_THROWS_WITH(exchange->wait(), Catch::StartsWith("rank " + std::to_string(silent) + ": silent for "));
    exchange->allow(std::chrono::seconds(60));
  }
  world.barrier();

  // All messages come in the end.
  if (world.rank() == silent) {
    exchange.emplace(copy, limits);
    exchange->allow(std::chrono::seconds(60));
  }
  if (world.rank() == asked) {
    for (int to = 0; to < silent; ++to) {
      if (to != asked) {
        exchange->send(to, sent);
      }
    }
  }
  if (world.rank() == silent && asked < silent) {
    exchange->send(asked, sent);
  }
  CHECK_NOTHROW(exchange->finish());
}
