#pragma once
#include "unroll/config/study.hpp"

namespace unroll::app {

/// Lets child processes go through every HDF5 file that the study names (data.path, init.file, order.file, forget.file,
/// measure.hessian = file:PATH), so that a damaged one costs a line and not the job. Before MPI is initialised.
/// UsageError names key and file.
void walk_foreign_files(const config::Study& study);

}  // namespace unroll::app
