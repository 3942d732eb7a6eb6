#pragma once
// What `unroll doctor` does in both programs: `unroll` checks the study and becomes unroll-worker, which sees what
// every rank sees; where it cannot start, `unroll` says so with what it sees itself.
#include <optional>
#include <string>
#include <vector>

#include "doctor.hpp"
#include "unroll/app/prepare.hpp"

namespace unroll::app {

/// The first argument of unroll-worker that makes it the doctor.
inline constexpr const char* kDoctorFlag = "--doctor";

/// The study that the arguments name, if they name one. UsageError for what is wrong with it.
[[nodiscard]] std::optional<Prepared> doctor_study(const std::vector<std::string>& arguments,
                                                   ForeignFiles files = ForeignFiles::walk);
[[nodiscard]] std::optional<Needs> needs_of(const std::optional<Prepared>& prepared);
/// What needs no MPI: versions and user. started_by: launcher(), asked before MPI is initialised.
[[nodiscard]] Job new_job(const std::string& started_by, const std::string& more_programs);

}  // namespace unroll::app
