#include "unroll/base/sha256.hpp"

#include <vector>

#include "sha256_blocks.hpp"
#include "support/catch.hpp"
#include "unroll/base/random.hpp"

using unroll::sha256;
using unroll::Sha256;

TEST_CASE("sha256 gives the digests that NIST publishes") {
  CHECK(sha256(std::string_view("")) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256(std::string_view("abc")) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(sha256(std::string_view("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")) ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(sha256(std::string_view("abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmno"
                                "ijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu")) ==
        "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1");
  CHECK(sha256(std::string(1000000, 'a')) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("sha256 does not depend on how the text is cut into updates") {
  const std::string text = std::string(63, 'x') + std::string(66, 'y') + std::string(200, 'z');
  const std::string whole = sha256(text);

  for (std::size_t piece : {1u, 3u, 55u, 56u, 63u, 64u, 65u, 128u, 200u}) {
    Sha256 hash;
    for (std::size_t at = 0; at < text.size(); at += piece) {
      hash.update(std::string_view(text).substr(at, piece));
    }

    CHECK(hash.hex_digest() == whole);
  }
}

TEST_CASE("sha256 pads every length around a block boundary to a different digest") {
  std::string last;
  for (std::size_t size = 50; size < 70; ++size) {
    const std::string digest = sha256(std::string(size, '\0'));

    CHECK(digest.size() == 64);
    CHECK(digest != last);
    last = digest;
  }
  CHECK(sha256(std::string(64, '\0')) == "f5a5fd42d16a20302798ef6ed309979b43003d2320d9f0e8ea9831a92759fb4b");
}

TEST_CASE("the processor's instructions and the portable rounds agree on any blocks") {
  const auto by_instructions = unroll::sha256_blocks_x86();
  if (by_instructions == nullptr) {
    WARN("this processor has no SHA instructions: skipped");
    return;
  }
  const unroll::RandomStream random(1, "sha256 test");
  for (std::size_t num_blocks = 0; num_blocks < 20; ++num_blocks) {
    std::vector<std::uint8_t> blocks(64 * num_blocks + 1);
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      blocks[i] = static_cast<std::uint8_t>(random.bits(num_blocks, i));
    }
    unroll::Sha256State state, expected;
    for (std::size_t i = 0; i < state.size(); ++i) {
      state[i] = expected[i] = static_cast<std::uint32_t>(random.bits(100 + num_blocks, i));
    }

    by_instructions(state, blocks.data() + 1, num_blocks);  // unaligned
    unroll::sha256_blocks_portable(expected, blocks.data() + 1, num_blocks);

    CHECK(state == expected);
  }
}
