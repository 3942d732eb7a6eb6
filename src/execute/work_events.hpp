#pragma once
// What a rank takes and finishes, told in its event log (store/events.hpp) for `unroll status`:
//
//   start  host=node7 pid=123 ranks=8
//   plan   items=60 done=12 cost=34.5 runs=300 runs_done=40     rank 0; cost: estimated seconds of what is left
//   take   tree:3f2a90c1b2d4e5f6,tree:...                       a chunk is in hand
//   done   tree:3f2a90c1b2d4e5f6 cost=0.5                       an item is committed
//   try, fail, back, suspect                                    what is in hand (store/suspects.hpp)
//   phase  training | comparing | merging | ended
//
// The store's writer adds
//
//   run    3f2a90c1b2d4e5f6 diverged the loss is not finite     a run that is not ok
//   commit r00000-a0001-000001-<sha256>.h5 runs=3f2a90c1b2d4e5f6,...    told after the runs of it that are not ok
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "execute/work_list.hpp"
#include "unroll/plan/chunk.hpp"
#include "unroll/schedule/schedule.hpp"
#include "unroll/store/attempt.hpp"
#include "unroll/store/events.hpp"

namespace unroll::execute {

/// "tree:3f2a90c1b2d4e5f6", the kind and the first digits of its id; a part of a tree says which forks: ":0+2+5".
[[nodiscard]] std::string item_name(const plan::Plan& plan, const plan::Item& item);

class WorkEvents {
 public:
  WorkEvents(store::EventLog& log, const plan::Plan& plan, const WorkList& list);
  void take(const schedule::Chunk& chunk);
  /// A part of what was taken is in hand, before it is known to fail or not.
  void attempt(const std::vector<std::size_t>& items);
  void done(std::size_t item);
  /// Its failure is committed; tells of its runs too.
  void fail(std::size_t item, const std::string& reason);
  /// Nothing is in hand any more.
  void back();

 private:
  [[nodiscard]] std::string names(const std::vector<std::size_t>& items) const;

  store::EventLog& log_;
  std::vector<bool> suspects_;
  std::vector<std::vector<std::string>> runs_;  // by item: the first digits of their ids
  std::vector<std::string> names_;
  std::vector<double> costs_s_;
};

void tell_start(store::EventLog& log, const store::Owner& self);
/// What rank 0 says once of the work: how much there is, and how much was done before. found: as found_text says it,
/// where runs of other chunks than `share` count as done.
void tell_plan(store::EventLog& log, const plan::Plan& plan, const WorkList& list, const std::string& found,
               const std::optional<plan::ChunkShare>& share);

}  // namespace unroll::execute
