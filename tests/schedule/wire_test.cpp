#include "wire.hpp"

#include "support/catch.hpp"
#include "unroll/base/error.hpp"

using namespace unroll::schedule;

TEST_CASE("a message to rank 0 survives its bytes") {
  const ToLeader said{.kind = ToLeader::Kind::finish,
                      .number = 7,
                      .idle = true,
                      .finished = {{12345678901, "9:ab"}, {3, "", true}},
                      .reason = "SIGUSR2"};

  const ToLeader heard = decode_to_leader(encode(said));

  CHECK(heard.kind == said.kind);
  CHECK(heard.number == said.number);
  CHECK(heard.idle == said.idle);
  REQUIRE(heard.finished.size() == 2);
  CHECK(heard.finished[0].item == 12345678901);
  CHECK(heard.finished[0].digest == "9:ab");
  CHECK(heard.finished[1].item == 3);
  CHECK_FALSE(heard.finished[0].has_failed);
  CHECK(heard.finished[1].has_failed);
  CHECK(heard.reason == "SIGUSR2");
}

TEST_CASE("a chunk survives its bytes, empty digests included") {
  const ToWorker said{.kind = ToWorker::Kind::chunk,
                      .number = 3,
                      .chunk = {.items = {4, 1, 9}, .depend_digests = {"", "x:y"}, .finished = false}};

  const ToWorker heard = decode_to_worker(encode(said));

  CHECK(heard.number == 3);
  CHECK(heard.chunk.items == said.chunk.items);
  CHECK(heard.chunk.depend_digests == said.chunk.depend_digests);
  CHECK_FALSE(heard.chunk.finished);
}

TEST_CASE("a stop and its reason survive their bytes") {
  const ToWorker heard = decode_to_worker(encode(ToWorker{.kind = ToWorker::Kind::stop, .reason = "a full disk"}));

  CHECK(heard.kind == ToWorker::Kind::stop);
  CHECK(heard.reason == "a full disk");
}

TEST_CASE("a cut, a longer or an altered message is refused") {
  const std::vector<std::byte> whole =
      encode(ToWorker{.kind = ToWorker::Kind::chunk, .number = 1, .chunk = {{1, 2}, {"digest"}, false}});
  std::vector<std::byte> longer = whole;
  longer.push_back(std::byte(0));

  for (std::size_t size = 0; size < whole.size(); ++size) {
    CHECK_THROWS_AS(decode_to_worker(std::span(whole).first(size)), unroll::Error);
  }
  CHECK_THROWS_AS(decode_to_worker(longer), unroll::Error);
  for (std::size_t byte = 24; byte < 32; ++byte) {  // the number of items
    std::vector<std::byte> altered = whole;
    altered[byte] = std::byte(0xff);
    CHECK_THROWS_AS(decode_to_worker(altered), unroll::Error);
  }
}
