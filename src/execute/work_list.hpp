#pragma once
// What is left of a study when an attempt starts, as the items that its ranks take.
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "unroll/execute/context.hpp"
#include "unroll/schedule/schedule.hpp"
#include "unroll/store/store.hpp"
#include "unroll/store/suspects.hpp"

namespace unroll::execute {

constexpr std::int64_t kPackUnits = 4096;  // a pack's room; an item takes its lanes' share of it

/// What earlier attempts left.
struct Earlier {
  store::Finished finished;
  std::unordered_map<std::string, store::FailedRun> failed;
  store::Suspects suspects;
  std::int64_t max_attempts = 3;  // what failed so often is not tried again
};

/// What a folder holds of the plan, for broadcasting: a line of one digit a run (1: finished or given up), one of
/// groups (1: compared), one of models (1: weights are kept, of no more use, or given up), one of the names of suspects
/// with blanks between, then a line "item digest" for each stage that is kept.
[[nodiscard]] std::string found_text(const plan::Plan& plan, const Earlier& earlier);

/// Runs (and models) of work that has crashed the job max_attempts times by itself, and is not finished.
[[nodiscard]] std::vector<store::Failure> given_up(const plan::Plan& plan, const Earlier& earlier);

/// By Plan::models: every group that needs it is compared.
[[nodiscard]] std::vector<bool> compared_models(const plan::Plan& plan, const store::Finished& finished);

/// Lines for people: what of the folder is not as it was committed (store::Finished::damage), with kept weights that
/// are gone though a comparison needs them.
[[nodiscard]] std::vector<std::string> damage_lines(const plan::Plan& plan, const store::Finished& finished);

struct WorkList {
  std::vector<plan::Item> items;  // plan::Attempt::items
  std::vector<schedule::WorkItem> work;
  std::vector<bool> models;    // by Plan::models: weights that are to be kept
  std::vector<bool> compared;  // by Plan::groups
};
/// The same on every rank.
[[nodiscard]] WorkList work_list(const Context& context, const std::string& found, int num_ranks);

}  // namespace unroll::execute
