#pragma once
// Journal records: one line of text each, ended by a CRC-32 of what is before it, so that a torn or damaged line is
// recognised and the next one still read. Every record starts and ends with a line end, so that one which follows a
// torn record stands on a line of its own.
//   shard <file> <size> <sha256> <run id>,<run id>,... <crc32>       ("-" for no ids)
//   stage <id> <size> <sha256> - <crc32>
//   weights <file> <size> <sha256> <name>,<name>,... <crc32>
//   checkpoint <file> <size> <sha256> <name>,<name>,... <crc32>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace unroll::store {

enum class RecordKind { shard, stage, weights, checkpoint };

struct JournalRecord {
  RecordKind kind = RecordKind::shard;
  std::string name;  // file name, or stage id
  std::uint64_t size_bytes = 0;
  std::string sha256;
  std::vector<std::string>
      runs;  // ids of the runs and groups in a shard; names of weights, of training in a checkpoint
};

[[nodiscard]] std::string encode(const JournalRecord& record);
/// The good records of a journal, in order; all else is skipped, and counted in num_bad (a torn end is one).
[[nodiscard]] std::vector<JournalRecord> decode(std::string_view journal, std::size_t* num_bad = nullptr);

/// CRC-32 of IEEE 802.3 (polynomial 0xEDB88320, reflected), as in zip and PNG.
[[nodiscard]] std::uint32_t crc32(std::string_view bytes);

/// Letters, digits and "_.-", not starting with a dot, at most 200: what a file made from an id may be called.
[[nodiscard]] bool is_plain_name(std::string_view name);

}  // namespace unroll::store
