#pragma once
// What is wrong with a results.h5, a telemetry.h5 or a whole folder of results, said in lines. Nothing is changed. HDF5
// files are opened in child processes (base/child.hpp), each column is read once and in pieces.
#include <string>
#include <vector>

#include "unroll/plan/plan.hpp"

namespace unroll::store {

/// note: worth knowing, nothing to do; unfinished: runs are left to do; problem: not what it should be.
enum class Severity { note, unfinished, problem };

struct Finding {
  Severity severity = Severity::problem;
  std::string text;  // one line: file, what is wrong, what to do
};

/// Format, version, schema, every column's digest, repeated rows, rows of runs that are not there, and the digest in
/// PATH.sha256 where there is one. UsageError when it cannot be read as one of the two files.
[[nodiscard]] std::vector<Finding> check_file(const std::string& path);

/// The same for the files of a folder; plan.txt, numerics.txt, attempts and journals; shards, stages, kept weights and
/// checkpoints against their digests; what is finished and what results.h5 holds against the plan (nullptr: it cannot
/// be made here); leftovers. Of a folder that is cut, all this for every chunk.
[[nodiscard]] std::vector<Finding> check_folder(const std::string& folder, const plan::Plan* plan);

/// Has a child process read every shard that merge will read: a folder may come from anybody. UsageError "FOLDER:
/// damaged file: ..." when that crashes.
void walk_shards(const std::string& folder);

}  // namespace unroll::store
