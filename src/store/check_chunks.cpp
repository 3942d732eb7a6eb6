// A study in chunks: each chunk is a folder of its own, for its share of the plan.
#include "check_findings.hpp"
#include "identity.hpp"
#include "unroll/base/error.hpp"
#include "unroll/base/wording.hpp"

namespace unroll::store {
namespace {

/// Chunks that are joined must be of one numerics key.
void compare_numerics(const std::string& folder, const Chunks& chunks, Findings& findings) {
  std::string first_key, first;
  for (const std::int64_t index : chunks.present) {
    const std::string here = chunk_folder(folder, index, chunks.count);
    const IdentityFiles files = look_at_identity(here);
    if (files.numerics != FileState::whole) {
      continue;  // said where the chunk is looked at
    }
    if (first.empty()) {
      first_key = files.identity.numerics_key;
      first = here;
    } else if (files.identity.numerics_key != first_key) {
      findings.add(Severity::problem, here + ": was computed with other numerics than " + first +
                                          ", whose bits would not match; compute one of them again");
    }
  }
}

}  // namespace

std::optional<plan::ChunkShare> share_at(const std::string& folder, const plan::Plan* plan) {
  const auto chunk = chunk_of(folder);
  if (!chunk || plan == nullptr) {
    return std::nullopt;
  }
  try {
    return plan::share_of(*plan, *chunk);
  } catch (const UsageError&) {
    return std::nullopt;
  }
}

FolderState look_at_chunks(const std::string& folder, const Chunks& chunks, const plan::Plan* plan) {
  FolderState all;
  for (const std::int64_t index : chunks.present) {
    const std::string name = "chunk " + std::to_string(index) + " of " + std::to_string(chunks.count) + ": ";
    const std::string here = chunk_folder(folder, index, chunks.count);
    const auto share = share_at(here, plan);
    FolderState state = look_in_child(here, share ? plan : nullptr, share ? &*share : nullptr);
    for (const Finding& finding : state.findings) {
      all.findings.push_back({finding.severity, name + finding.text});
    }
    all.safe.merge(state.safe);
  }
  Findings more;
  if (const std::int64_t num_absent = chunks.count - std::ssize(chunks.present); num_absent > 0) {
    more.add(Severity::unfinished, std::to_string(num_absent) + " of " + counted(chunks.count, "chunk") +
                                       " not begun; run each with --chunk i/" + std::to_string(chunks.count));
  }
  compare_numerics(folder, chunks, more);
  const auto found = std::move(more).take();
  all.findings.insert(all.findings.end(), found.begin(), found.end());
  return all;
}

}  // namespace unroll::store
