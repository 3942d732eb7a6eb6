// The end of an attempt: results.h5, and one line that says how it ended.
#include <algorithm>

#include "execute/agree.hpp"
#include "execute/disk_patience.hpp"
#include "execute/session.hpp"
#include "unroll/base/text.hpp"
#include "unroll/store/checkpoints.hpp"
#include "unroll/store/chunks.hpp"

namespace unroll::execute {
namespace {

using Kind = store::Outcome::Kind;

store::Outcome outcome_of(const StudyOutcome& counts, const Session& session) {
  const std::string stop_reason = session.stop.reason();  // why work was left; "" when none was
  const bool is_left = counts.num_missing + counts.num_open_groups > 0;
  if (is_left && !stop_reason.empty() && stop_reason != max_fails_reason(session.options)) {
    return {Kind::incomplete, 0, stop_reason};
  }
  const std::int64_t num_failed = counts.num_failed + counts.num_open_groups;  // groups lack what failed
  if (is_left && !stop_reason.empty()) {  // items that failed may have no runs: pretrainings
    return {Kind::failed, std::max(num_failed, session.options.max_fails), ""};
  }
  if (num_failed > 0) {
    return {Kind::failed, num_failed, ""};
  }
  return is_left ? store::Outcome{Kind::incomplete, 0, "runs are missing"} : store::Outcome{};
}

/// A disk that takes no line is no reason to end otherwise.
void append_outcome(const Session& session, const store::Outcome& outcome) {
  try {
    store::append_outcome(session.folder, session.number, outcome_line(outcome));
  } catch (const store::FileError& error) {
    session.say(error.what());
  }
}

/// Rank 0's: counts, or "!" and why the disk refused. Waits for the disk unless all are to stop.
std::string merge_or_say(const Session& session) {
  DiskPatience patience(
      session.patience_s, [] {}, [&session](const std::string& line) { session.say(line); });
  for (;;) {
    try {
      store::check_newest(session.folder, session.number);
      const auto& share = session.share;
      const auto merged = share ? store::count_runs(session.folder, session.plan, share->runs, share->groups)
                                : store::merge(session.folder, session.study, session.plan);
      std::for_each(merged.damage.begin(), merged.damage.end(), [&](const auto& line) { session.say(line); });
      if (merged.num_missing_runs == 0) {
        store::remove_checkpoints(session.folder, {});
      }
      const std::int64_t counts[] = {merged.num_missing_runs, merged.num_failed_runs, merged.num_open_groups};
      return join(counts, " ");
    } catch (const store::FileError& error) {
      if (session.stop.requested() || !patience(error)) {
        return std::string("!").append(error.what());
      }
    }
  }
}

StudyOutcome read(const Session& session, const std::string& summary) {
  StudyOutcome outcome;
  outcome.num_runs = session.share ? session.share->num_runs : std::ssize(session.plan.runs);
  if (summary.front() == '!') {
    outcome.is_merged = false;
    outcome.outcome = {Kind::incomplete, 0, summary.substr(1)};
    return outcome;
  }
  const auto counts = split(summary, ' ');
  outcome.num_missing = *parse_integer(counts[0]);
  outcome.num_failed = *parse_integer(counts[1]);
  outcome.num_open_groups = *parse_integer(counts[2]);
  outcome.outcome = outcome_of(outcome, session);
  return outcome;
}

}  // namespace

StudyOutcome conclude(const Session& session) {
  if (session.world.rank() == 0 && session.stop.requested()) {
    append_outcome(session, {Kind::incomplete, 0, session.stop.reason()});  // mpirun may not wait for the merge
  }
  const auto outcome = read(session, on_first_rank(session.world, [&] { return merge_or_say(session); }));
  if (session.world.rank() == 0) {
    append_outcome(session, outcome.outcome);
  }
  return outcome;
}

}  // namespace unroll::execute
