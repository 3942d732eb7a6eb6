// What Slurm says of a job: `scontrol -o show job ID`, within a time limit.
#include <algorithm>
#include <array>

#include "attempt_files.hpp"
#include "unroll/base/command.hpp"
#include "unroll/base/text.hpp"
#include "unroll/store/events.hpp"

namespace unroll::store {
namespace {

constexpr double kDeadline_s = 10;

bool may_run(std::string_view state) {
  constexpr std::array kLive = {"RUNNING",   "COMPLETING", "SUSPENDED", "STOPPED",
                                "SIGNALING", "STAGE_OUT",  "RESIZING",  "CONFIGURING"};
  return std::find(kLive.begin(), kLive.end(), state) != kLive.end();
}

bool is_number(const std::string& text) {
  return !text.empty() && text.size() < 20 && text.find_first_not_of("0123456789") == std::string::npos;
}

}  // namespace

bool slurm_says_ended(const Owner& owner, const Owner& self) {
  if (!is_number(owner.job_id) || owner.cluster != self.cluster) {
    return false;
  }
  const auto answer = output_of({"scontrol", "-o", "show", "job", owner.job_id}, kDeadline_s);
  if (!answer) {
    return false;
  }
  for (const std::string_view line : split(*answer, '\n')) {
    const std::string text = ' ' + std::string(line);
    if (field(text, "JobId") == owner.job_id && !field(text, "JobState").empty()) {
      const auto restarts = parse_integer(field(text, "Restarts")).value_or(0);
      return restarts > owner.restarts || !may_run(field(text, "JobState"));
    }
  }
  return answer->find("Invalid job id") != std::string::npos;  // long over
}

}  // namespace unroll::store
