#include "pieces.hpp"

#include <cstdlib>

#include "support/catch.hpp"
#include "unroll/base/error.hpp"
#include "unroll/mpi/mpi.hpp"

using unroll::mpi::Piece;
using unroll::mpi::pieces;

TEST_CASE("pieces cover every byte once, in order, none longer than the limit") {
  for (const std::size_t size : {0u, 1u, 6u, 7u, 8u, 20u, 21u, 22u}) {
    std::size_t next = 0;

    for (const Piece& piece : pieces(size, 7)) {
      CHECK(piece.offset == next);
      CHECK(piece.count >= 1);
      CHECK(piece.count <= 7);
      next += static_cast<std::size_t>(piece.count);
    }

    CHECK(next == size);
  }
}

TEST_CASE("a message beyond 2^31 bytes has counts that an int can hold") {
  const std::size_t size = (std::size_t{1} << 32) + 5;

  const std::vector<Piece> all = pieces(size);

  REQUIRE(all.size() == 5);
  CHECK(all[3].count == 1 << 30);
  CHECK(all[4].offset == std::size_t{1} << 32);
  CHECK(all[4].count == 5);
}

TEST_CASE("an unknown thread level in the environment is refused with its value") {
  setenv("UNROLL_MPI_THREADS", "many", 1);

  CHECK_THROWS_AS(unroll::mpi::wanted_thread_level(), unroll::UsageError);
  CHECK_THROWS_WITH(unroll::mpi::wanted_thread_level(), Catch::Contains("UNROLL_MPI_THREADS = many"));

  setenv("UNROLL_MPI_THREADS", "single", 1);
  CHECK(unroll::mpi::wanted_thread_level() == unroll::mpi::ThreadLevel::single);
  unsetenv("UNROLL_MPI_THREADS");
  CHECK(unroll::mpi::wanted_thread_level() == unroll::mpi::ThreadLevel::multiple);
}
