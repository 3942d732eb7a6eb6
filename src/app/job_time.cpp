#include "job_time.hpp"

#include <cstdlib>
#include <string>

#include "duration.hpp"
#include "unroll/base/command.hpp"
#include "unroll/base/text.hpp"

namespace unroll::app {
namespace {

constexpr double kPatience_s = 5;

}  // namespace

std::optional<double> job_time_left_s() {
  const char* job = std::getenv("SLURM_JOB_ID");
  if (job == nullptr || std::string_view(job).find_first_not_of("0123456789") != std::string_view::npos) {
    return std::nullopt;
  }
  const auto answer = output_of({"squeue", "-h", "-j", job, "-o", "%L"}, kPatience_s);
  return answer ? duration_s(trim(*answer)) : std::nullopt;
}

}  // namespace unroll::app
