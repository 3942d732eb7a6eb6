#include "journal.hpp"

#include <algorithm>
#include <optional>

#include "sealed.hpp"
#include "unroll/base/text.hpp"

namespace unroll::store {
namespace {

constexpr std::size_t kDigestSize = 64;

bool is_digest(std::string_view text) {
  return text.size() == kDigestSize && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

constexpr std::string_view kKinds[] = {"shard", "stage", "weights", "checkpoint"};  // as in RecordKind

std::optional<JournalRecord> decode_line(std::string_view line) {
  const std::vector<std::string_view> fields = split(line, ' ');
  const auto kind = std::find(std::begin(kKinds), std::end(kKinds), fields[0]);
  if (fields.size() != 6 || kind == std::end(kKinds)) {
    return std::nullopt;
  }
  const std::optional<std::int64_t> size = parse_integer(fields[2]);
  const std::string_view before_crc = line.substr(0, line.size() - fields[5].size() - 1);
  if (fields[5] != hex8(crc32(before_crc)) || !is_plain_name(fields[1]) || !size || *size < 0 ||
      !is_digest(fields[3])) {
    return std::nullopt;
  }
  JournalRecord record;
  record.kind = static_cast<RecordKind>(kind - std::begin(kKinds));
  record.name = fields[1];
  record.size_bytes = static_cast<std::uint64_t>(*size);
  record.sha256 = fields[3];
  if (fields[4] != "-") {
    for (const std::string_view id : split(fields[4], ',')) {
      record.runs.emplace_back(id);
    }
  }
  return record;
}

}  // namespace

std::string encode(const JournalRecord& record) {
  std::string line(kKinds[static_cast<std::size_t>(record.kind)]);
  line += ' ' + record.name + ' ' + std::to_string(record.size_bytes) + ' ' + record.sha256 + ' ';
  line += record.runs.empty() ? "-" : join(record.runs, ",");
  return '\n' + line + ' ' + hex8(crc32(line)) + '\n';
}

std::vector<JournalRecord> decode(std::string_view journal, std::size_t* num_bad) {
  std::vector<JournalRecord> records;
  std::size_t bad = 0;
  const std::size_t end = journal.rfind('\n') + 1;  // 0 when there is none; what follows the last line end is torn
  bad += end < journal.size() ? 1 : 0;
  for (const std::string_view line : split(journal.substr(0, end), '\n')) {
    if (std::optional<JournalRecord> record = decode_line(line)) {
      records.push_back(std::move(*record));
    } else {
      bad += line.empty() ? 0 : 1;
    }
  }
  if (num_bad != nullptr) {
    *num_bad = bad;
  }
  return records;
}

std::uint32_t crc32(std::string_view bytes) {
  std::uint32_t crc = 0xFFFFFFFFu;
  for (const char byte : bytes) {
    crc ^= static_cast<unsigned char>(byte);
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc >> 1) ^ (0xEDB88320u & (0u - (crc & 1u)));
    }
  }
  return ~crc;
}

bool is_plain_name(std::string_view name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '.';
  };
  return !name.empty() && name.size() <= 200 && name.front() != '.' && std::all_of(name.begin(), name.end(), allowed);
}

}  // namespace unroll::store
