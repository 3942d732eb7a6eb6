#pragma once
#include <string>

#include "unroll/store/chunks.hpp"

namespace unroll::app {

/// On stderr, a line each: what of the files that were replaced was damaged.
void tell_damage(const store::MergeSummary& summary);

/// The first chunk that was begun, or else the first: its study.ini is that of all.
[[nodiscard]] std::string folder_of_study(const std::string& folder, const store::Chunks& chunks);

/// `unroll merge` of a folder that is cut: joins what is there, and says of which chunks something is missing. Returns
/// the exit code.
[[nodiscard]] int merge_chunks(const std::string& folder, const store::Chunks& chunks);

}  // namespace unroll::app
