#pragma once
// Training that was interrupted: DIR/checkpoints/<writer>-<number>-<sha256>.ckpt, the state of what one chunk of work
// had in hand between two steps (execute/checkpoint.hpp says what is in it). A file is what its journal record says, or
// it is not used: whoever misses it trains from the start, to the same bytes.
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "unroll/store/kept_weights.hpp"

namespace unroll::store {

[[nodiscard]] std::string checkpoint_folder(const std::string& folder);
/// What journals say is there, and is, with the size that they say; contents are not read.
[[nodiscard]] std::vector<KeptFile> checkpoint_files(const std::string& folder);
/// Verified; waits up to deadline_s for a file that a network file system shows late. nullopt: gone or damaged.
[[nodiscard]] std::optional<std::vector<std::byte>> read_checkpoint(const std::string& folder, const KeptFile& file,
                                                                    double deadline_s);
/// Removes all checkpoints but these. To be called when nobody writes there.
void remove_checkpoints(const std::string& folder, const std::vector<KeptFile>& but);

}  // namespace unroll::store
