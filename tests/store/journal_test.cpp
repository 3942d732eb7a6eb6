#include "journal.hpp"

#include "support/catch.hpp"
#include "unroll/base/sha256.hpp"

namespace unroll::store {
namespace {

JournalRecord record(const std::string& name) {
  return {RecordKind::shard, name, 1234, sha256(name), {"run-a", "run-b"}};
}

std::vector<std::string> names(const std::string& journal) {
  std::vector<std::string> result;
  for (const JournalRecord& one : decode(journal)) {
    result.push_back(one.name);
  }
  return result;
}

TEST_CASE("the checksum is the CRC-32 of zip") { CHECK(crc32("123456789") == 0xCBF43926u); }

TEST_CASE("records come back as they were") {
  JournalRecord stage{RecordKind::stage, "0123abcd", 99, sha256("stage"), {}};
  const std::vector<JournalRecord> read = decode(encode(record("one.h5")) + encode(stage));

  REQUIRE(read.size() == 2);
  CHECK(read[0].kind == RecordKind::shard);
  CHECK(read[0].name == "one.h5");
  CHECK(read[0].size_bytes == 1234);
  CHECK(read[0].sha256 == sha256("one.h5"));
  CHECK(read[0].runs == std::vector<std::string>{"run-a", "run-b"});
  CHECK(read[1].kind == RecordKind::stage);
  CHECK(read[1].runs.empty());
}

TEST_CASE("a torn tail is dropped wherever it is torn") {
  const std::string first = encode(record("one.h5"));
  const std::string second = encode(record("two.h5"));

  for (std::size_t size = 0; size < second.size(); ++size) {
    CAPTURE(size);
    CHECK(names(first + second.substr(0, size)) == std::vector<std::string>{"one.h5"});
  }
  CHECK(names(first + second) == std::vector<std::string>{"one.h5", "two.h5"});
}

TEST_CASE("a record after a torn one is read") {
  const std::string torn = encode(record("torn.h5")).substr(0, 40);

  CHECK(names(encode(record("one.h5")) + torn + encode(record("two.h5"))) ==
        std::vector<std::string>{"one.h5", "two.h5"});
}

TEST_CASE("a changed byte costs its own record and no other") {
  const std::string first = encode(record("one.h5")), second = encode(record("two.h5")), third = encode(record("x.h5"));

  for (std::size_t at = 1; at + 1 < second.size(); ++at) {
    std::string damaged = second;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    CAPTURE(at);
    CHECK(names(first + damaged + third) == std::vector<std::string>{"one.h5", "x.h5"});
  }
}

TEST_CASE("a record cannot name a file elsewhere") {
  for (const char* name : {"../x.h5", "/etc/passwd", ".hidden", "a/b.h5"}) {
    CHECK(!is_plain_name(name));
    CHECK(decode(encode(record(name))).empty());
  }
}

}  // namespace
}  // namespace unroll::store
