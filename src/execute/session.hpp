#pragma once
// One rank in one attempt at a study, and the phases that all ranks go through together.
#include <cstdint>
#include <string>

#include "execute/checkpoint.hpp"
#include "execute/work_list.hpp"
#include "unroll/execute/study.hpp"
#include "unroll/store/attempt.hpp"
#include "unroll/store/events.hpp"
#include "unroll/store/store.hpp"

namespace unroll::execute {

struct Session {
  const mpi::Communicator& world;
  const config::Study& study;
  const plan::Plan& plan;
  const std::string& folder;
  const StudyOptions& options;
  StopSource& stop;
  store::EventLog& log;
  const store::Attempt* attempt = nullptr;  // rank 0's
  const std::optional<plan::ChunkShare>& share;
  std::int64_t number = 0;  // of the attempt
  double patience_s = 0;    // with a disk that refuses

  /// To the user.
  void say(const std::string& line) const;
  void say_on_first(const std::string& line) const;
};

/// What an end by --max-fails is called.
[[nodiscard]] std::string max_fails_reason(const StudyOptions& options);

/// Collective. Every rank takes chunks until none is left, or all are to stop: then a reason was requested of
/// session.stop on at least one rank. The writer waits for the disk while it trains, and afterwards.
void train_items(const Session& session, Context& context, WorkList& list, store::Writer& writer,
                 store::StageCache* cache, Checkpoints& checkpoints);

/// Collective. Merges on rank 0, and appends the outcome.
[[nodiscard]] StudyOutcome conclude(const Session& session);

}  // namespace unroll::execute
