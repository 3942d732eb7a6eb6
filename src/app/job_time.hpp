#pragma once
#include <optional>

namespace unroll::app {

/// Seconds until the Slurm job of this process ends, asked of squeue; nullopt outside of a job, without squeue, when it
/// does not answer within a few seconds, or when the job has no end. Blocks: to be asked once, on one rank.
[[nodiscard]] std::optional<double> job_time_left_s();

}  // namespace unroll::app
