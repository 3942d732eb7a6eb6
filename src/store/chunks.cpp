#include "unroll/store/chunks.hpp"

#include <algorithm>
#include <filesystem>
#include <map>

#include "identity.hpp"
#include "unroll/base/error.hpp"
#include "unroll/base/text.hpp"

namespace unroll::store {
namespace {

constexpr std::string_view kBetween = "-of-";

std::string chunks_folder(const std::string& folder) { return folder + "/chunks"; }

/// "2-of-3"
std::optional<plan::StudyChunk> chunk_in(std::string_view name) {
  const std::size_t between = name.find(kBetween);
  if (between == name.npos) {
    return std::nullopt;
  }
  const auto index = parse_integer(name.substr(0, between));
  const auto count = parse_integer(name.substr(between + kBetween.size()));
  return index && count && *index >= 1 && *index <= *count ? std::optional(plan::StudyChunk{*index, *count})
                                                           : std::nullopt;
}

}  // namespace

std::string chunk_folder(const std::string& folder, std::int64_t index, std::int64_t count) {
  return chunks_folder(folder) + '/' + std::to_string(index) + std::string(kBetween) + std::to_string(count);
}

std::optional<plan::StudyChunk> chunk_of(const std::string& folder) {
  const std::filesystem::path path = std::filesystem::absolute(folder + '/').lexically_normal().parent_path();
  const std::string name = path.filename().string();
  return path.parent_path().filename() == "chunks" ? chunk_in(name) : std::nullopt;
}

std::optional<Chunks> find_chunks(const std::string& folder) {
  std::map<std::int64_t, std::vector<std::int64_t>> cuts;  // by count
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(chunks_folder(folder), error)) {
    if (const auto chunk = chunk_in(entry.path().filename().string())) {
      cuts[chunk->count].push_back(chunk->index);
    }
  }
  if (cuts.empty()) {
    return std::nullopt;
  }
  if (cuts.size() > 1) {
    throw UsageError(chunks_folder(folder) + ": holds chunks of " + std::to_string(cuts.begin()->first) + " and of " +
                     std::to_string(cuts.rbegin()->first) + "; remove those of one of them");
  }
  Chunks chunks{cuts.begin()->first, cuts.begin()->second};
  std::sort(chunks.present.begin(), chunks.present.end());
  return chunks;
}

void check_for_chunk(const std::string& folder, std::int64_t count, const std::string& plan_id) {
  if (read_identity(folder)) {
    throw UsageError("--output " + folder + ": holds a study that was started without --chunk; go on with it without " +
                     "--chunk, or give another --output");
  }
  const auto chunks = find_chunks(folder);
  if (chunks && chunks->count != count) {
    throw UsageError("--output " + folder + ": is cut into " + std::to_string(chunks->count) +
                     " chunks; give --chunk i/" + std::to_string(chunks->count) + ", or another --output");
  }
  for (const std::int64_t index : chunks ? chunks->present : std::vector<std::int64_t>()) {
    const std::string there = chunk_folder(folder, index, count);
    const IdentityFiles files = look_at_identity(there);  // a damaged one is mended when that chunk is run
    if (files.plan == FileState::whole && files.identity.plan_id != plan_id) {
      throw UsageError("--output " + folder + ": " + there +
                       " holds a chunk of another study, or of other data; give " +
                       "the same study, or another --output");
    }
  }
}

void check_for_whole(const std::string& folder) {
  if (const auto chunks = find_chunks(folder)) {
    throw UsageError("--output " + folder + ": is cut into " + std::to_string(chunks->count) +
                     " chunks; give --chunk i/" + std::to_string(chunks->count) +
                     " to run one, unroll merge to join them, or another --output");
  }
}

}  // namespace unroll::store
