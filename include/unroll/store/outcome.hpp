#pragma once
// How an attempt ended, as the last line of DIR/attempts/<N>/outcome says it:
//
//   complete              every run is done
//   failed <number>       every run is done or failed; so many failed, with a reason in /runs
//   incomplete <reason>   something is left: SIGTERM, --stop-after 3600, a full disk; running again goes on
//   error <message>       the program could not go on
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace unroll::store {

struct Outcome {
  enum class Kind { complete, failed, incomplete, error };
  Kind kind = Kind::complete;
  std::int64_t num_failed = 0;
  std::string text;  // of incomplete and error
};

/// Without a line end; what is no text on one line becomes "?".
[[nodiscard]] std::string outcome_line(const Outcome& outcome);
/// nullopt: no such line.
[[nodiscard]] std::optional<Outcome> read_outcome(std::string_view line);

}  // namespace unroll::store
