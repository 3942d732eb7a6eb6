#pragma once
// What happens in a folder of results, read from another shell: from the newest attempt's owner, heartbeat, outcome and
// events. Nothing is changed, but that a probe file asks the file system's clock.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "unroll/store/attempt.hpp"
#include "unroll/store/events.hpp"

namespace unroll::app {

struct RankStatus {
  int rank = 0;
  std::string host;
  std::string doing;          // "trains 12 trees", "waits", "compares groups"
  double since_s = 0;         // since 1970
  std::int64_t num_done = 0;  // items
  double cost_s = 0;          // estimated, of those
  double busy_s = 0;          // from taking to finishing them
  double taken_s = 0;         // when it took what it has in hand; 0: nothing
};

struct FailedRun {
  std::string id;  // its first 16 digits
  std::string status;
  std::string reason;
};

/// Of the work that is done in an attempt, per second of real time.
struct Rate {
  double items = 0;
  double left_s = 0;                     // until all is done, at this rate
  double shortest_s = 0;                 // at two standard errors more of the rate
  std::optional<double> longest_s = {};  // at two less; nullopt: cannot be told yet
};

struct Status {
  store::AttemptState attempt;
  double now_s = 0;
  std::int64_t num_runs = 0, num_runs_done = 0;                          // done: with those that failed
  std::int64_t num_items = 0, num_items_before = 0, num_items_done = 0;  // before: by earlier attempts
  bool knows_plan = false;  // the attempt has come so far as to say what there is to do
  std::vector<RankStatus> ranks;
  std::vector<FailedRun> failed;  // of all attempts; not those that a later one did well
  std::optional<Rate> rate;       // once something was finished
  std::optional<double> busy;     // of the ranks' time since the plan was made, how much went into items: 0 to 1
};

/// nullopt: no attempt was ever made there.
[[nodiscard]] std::optional<Status> read_status(const std::string& folder);

/// Rank 0 first; now_s: for the rate of an attempt that is alive, else the last event counts. Pure.
[[nodiscard]] std::optional<Rate> rate_of(const std::vector<std::vector<store::Event>>& ranks, double cost_s,
                                          double start_s, double now_s);
/// nullopt: no time has passed.
[[nodiscard]] std::optional<double> busy_share(const std::vector<RankStatus>& ranks, double start_s, double now_s);
[[nodiscard]] RankStatus rank_status(int rank, const std::vector<store::Event>& events);

/// By the last outcome: 0 complete, 3 failed runs, 75 incomplete (also: at work, or died without a word), 1 an error.
[[nodiscard]] int exit_code_of(const Status& status);

/// Lines of at most `width` characters.
[[nodiscard]] std::string status_text(const Status& status, const std::string& folder, std::size_t width);
[[nodiscard]] std::string status_json(const Status& status, const std::string& folder);

}  // namespace unroll::app
