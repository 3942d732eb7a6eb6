#pragma once
#include <string>

namespace unroll::app {

/// UsageError unless results could be written to the folder: it, or the nearest folder above it that exists, takes a
/// new folder (tried with a temporary one). Leaves nothing behind.
void check_output_folder(const std::string& folder);

/// UsageError unless the folder of --cache can be read, or made. A cache that cannot be written is still of use.
void check_cache_folder(const std::string& folder);

}  // namespace unroll::app
