#include "unroll/base/random.hpp"

#include <cmath>
#include <set>

#include "support/catch.hpp"

using unroll::philox4x32;
using unroll::RandomStream;

TEST_CASE("philox4x32 gives the published known answers") {  // Random123, kat_vectors
  using Block = std::array<std::uint32_t, 4>;
  CHECK(philox4x32({0, 0, 0, 0}, {0, 0}) == Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(philox4x32({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}) ==
        Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("a random stream is frozen: seed, purpose and counter give these values for ever") {
  struct Frozen {
    std::uint64_t seed;
    const char* purpose;
    std::uint64_t a, b, bits;
    double uniform, normal;
  };
  const Frozen frozen[] = {
      {0, "order", 0, 0, 0xb6e522616eb2dfa3, 0.7144338119384871, 0.3516062177187741},
      {0, "init", 0, 0, 0x33a7415d98798e39, 0.20177086386727272, -0.1567793433096326},
      {7, "order", 1, 1797, 0x720182fd3c0c07d7, 0.44533556635364846, -0.3153137528056626},
      {2147483647, "split", 0, 59999, 0x5251409da51a7e53, 0.32155231331589984, 1.5014960259892227},
      {1, "order", std::uint64_t{1} << 40, 3, 0x6696b1df742a0b2d, 0.4007369204083845, 0.9757705380982763},
  };

  for (const Frozen& f : frozen) {
    const RandomStream stream(f.seed, f.purpose);

    CHECK(stream.bits(f.a, f.b) == f.bits);
    CHECK(stream.uniform(f.a, f.b) == f.uniform);
    CHECK(stream.normal(f.a, f.b) == Approx(f.normal).epsilon(1e-14));  // log and cos are the C library's
  }
}

TEST_CASE("seeds, purposes and counters give different streams") {
  std::set<std::uint64_t> seen;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    for (const char* purpose : {"split", "init", "order", "pretrain_order", "eval", ""}) {
      for (std::uint64_t counter = 0; counter < 20; ++counter) {
        seen.insert(RandomStream(seed, purpose).bits(counter, 1));
        seen.insert(RandomStream(seed, purpose).bits(1, counter + 100));
      }
    }
  }

  CHECK(seen.size() == 20 * 6 * 40);
}

TEST_CASE("uniform draws fill [0, 1) and normal draws have mean 0 and variance 1") {
  constexpr int kDraws = 200000;
  const RandomStream stream(3, "test");
  double sum = 0, uniform_sum = 0, square = 0, cube = 0, fourth = 0;
  for (std::uint64_t i = 0; i < kDraws; ++i) {
    const double u = stream.uniform(0, i);
    REQUIRE(u >= 0);
    REQUIRE(u < 1);
    uniform_sum += u;
    const double z = stream.normal(1, i);
    REQUIRE(std::isfinite(z));
    sum += z;
    square += z * z;
    cube += z * z * z;
    fourth += z * z * z * z;
  }

  CHECK(uniform_sum / kDraws == Approx(0.5).margin(0.005));
  CHECK(sum / kDraws == Approx(0).margin(0.01));
  CHECK(square / kDraws == Approx(1).margin(0.015));
  CHECK(cube / kDraws == Approx(0).margin(0.04));
  CHECK(fourth / kDraws == Approx(3).margin(0.1));
}
