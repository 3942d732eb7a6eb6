#pragma once
// What a rank of an attempt did, for people who look on: DIR/attempts/<N>/events/r<rank>.log, a line an event,
//
//   <seconds since 1970> <kind> <text>
//
// one write a line, not forced to disk, and no reason to end when it fails. Nothing of it enters a result.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "unroll/store/file_door.hpp"

namespace unroll::store {

class EventLog {
 public:
  /// Appends; nothing is written where the file cannot be.
  EventLog(const std::string& folder, std::int64_t attempt, int rank) noexcept;
  /// kind: one word. Line ends in the text become blanks.
  void write(std::string_view kind, std::string_view text) noexcept;

 private:
  FileDoor door_;
  Descriptor file_;
};

struct Event {
  double time_s = 0;
  std::string kind;
  std::string text;
};

/// Ranks of an attempt that wrote anything, ascending.
[[nodiscard]] std::vector<int> ranks_with_events(const std::string& folder, std::int64_t attempt);
/// In order; a line that is torn or no event is skipped, and counted in num_bad, but for the last one, which may be
/// being written.
[[nodiscard]] std::vector<Event> read_events(const std::string& folder, std::int64_t attempt, int rank,
                                             std::size_t* num_bad = nullptr);

/// The value of " name=value" in an event's text, up to the next blank; "" when it is not there.
[[nodiscard]] std::string_view field(std::string_view text, std::string_view name);

}  // namespace unroll::store
