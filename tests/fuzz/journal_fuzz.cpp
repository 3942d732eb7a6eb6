// A journal of any bytes: only good records are read, they are written and read the same, and one that is appended
// after any bytes is read.
#include "input.hpp"
#include "journal.hpp"
#include "unroll/base/sha256.hpp"

using namespace unroll;
using store::JournalRecord;

namespace {

bool same(const JournalRecord& a, const JournalRecord& b) {
  return a.kind == b.kind && a.name == b.name && a.size_bytes == b.size_bytes && a.sha256 == b.sha256 &&
         a.runs == b.runs;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const JournalRecord kAppended{store::RecordKind::shard, "r00000-a0001-000001-x.h5", 123, sha256("x"), {"a"}};
  const std::string journal(fuzz::as_text(data, size));

  const auto records = store::decode(journal);
  const auto more = store::decode(journal + store::encode(kAppended));

  for (const JournalRecord& record : records) {
    const auto again = store::decode(store::encode(record));
    fuzz::require(again.size() == 1 && same(again.front(), record), "a record is written and read the same");
    fuzz::require(store::is_plain_name(record.name), "a record names a plain file");
  }
  fuzz::require(more.size() >= records.size() + 1 && same(more.back(), kAppended), "an appended record is read");
  return 0;
}
