// Shards vouch for a folder whose plan.txt or numerics.txt was lost: each says what it belongs to.
#include <filesystem>

#include "identity.hpp"
#include "shard.hpp"

namespace unroll::store {
namespace {

bool holds_files(const std::string& folder) {
  std::error_code error;
  const auto entries = std::filesystem::directory_iterator(folder, error);
  return !error && entries != std::filesystem::directory_iterator();
}

/// Files whose names do not say with what numerics they were computed.
bool holds_weights(const std::string& folder) {
  return holds_files(folder + "/stages") || holds_files(folder + "/weights/kept") ||
         holds_files(folder + "/checkpoints");
}

std::string what_is_wrong(const std::string& folder, const IdentityFiles& there) {
  const bool is_plan = there.plan != FileState::whole;
  const FileState state = is_plan ? there.plan : there.numerics;
  return folder + (is_plan ? "/plan.txt" : "/numerics.txt") +
         (state == FileState::missing ? ": is missing" : ": is damaged");
}

}  // namespace

void require_shards_of(const std::string& folder, const IdentityFiles& there, const Identity& here) {
  const std::set<std::string> earlier = earlier_plan_ids(folder);
  bool is_any_whole = false;
  for_each_shard(folder, read_journals(folder), [&](const VerifiedShard& shard) {
    const ShardOrigin origin = read_shard_keys(shard.image, shard.name).origin;
    is_any_whole = true;
    const bool is_ours = origin.plan_id == here.plan_id || earlier.contains(origin.plan_id);
    if (!is_ours || origin.numerics_key != here.numerics_key) {
      throw UsageError(what_is_wrong(folder, there) + ", and shards/" + shard.name + " is of " +
                       (is_ours ? "other numerics (" + origin.numerics_key + ")" : "another study") +
                       "; start the study that was computed there, as it was and without --extend, or give another "
                       "--output");
    }
  });
  if (!is_any_whole && there.numerics != FileState::whole && holds_weights(folder)) {
    throw UsageError(what_is_wrong(folder, there) +
                     ", and no run is finished that would say with what numerics the weights there were computed; "
                     "give another --output, or remove this folder");
  }
}

}  // namespace unroll::store
