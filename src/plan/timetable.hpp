#pragma once
// The study played out on paper: when would each rank be done, if every item took as long as its cost says?
#include <cstddef>
#include <vector>

#include "unroll/plan/plan.hpp"

namespace unroll::plan {

/// One item as the timetable sees it.
struct Job {
  double cost_s = 0;
  double critical_s = 0;             // longest first, as the scheduler does it
  std::vector<std::size_t> depends;  // jobs
  // Of a tree that may be divided; else no forks.
  double trunk_s = 0;             // paid by each part
  std::vector<double> forks_s{};  // descending
};

/// Which forks of a job (by their places in forks_s) stay together.
using Parts = std::vector<std::vector<std::size_t>>;

struct Timetable {
  double end_s = 0;
  std::vector<Parts> parts;  // by job; empty: undivided
};

/// Ranks take the ready job with the longest critical path. A job that would end after `end_s` is divided, if it can
/// be: the rank takes the forks that fit, the rest is open to the next rank. What does not fit all the same is taken
/// whole, so the end may be later than asked for.
[[nodiscard]] Timetable play(const std::vector<Job>& jobs, int num_ranks, double end_s);

/// The earliest end that dividing jobs reaches: the undivided timetable unless it is 3 % earlier.
[[nodiscard]] Timetable best_timetable(const std::vector<Job>& jobs, int num_ranks);

}  // namespace unroll::plan
