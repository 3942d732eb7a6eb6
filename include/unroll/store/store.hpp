#pragma once
// The results folder. Ranks commit finished runs, tree by tree or part of a tree by part, as shards (built in memory,
// .tmp + fsync + rename + fsync of the folder, then one journal record with size and SHA-256); shared stages go to
// DIR/stages/<id>.h5 the same way, weights that comparison groups need to DIR/weights/kept; merge writes results.h5 and
// telemetry.h5 in plan order. One writer a file; every write goes through the file door.
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_set>
#include <vector>

#include "unroll/config/study.hpp"
#include "unroll/hdf5/arrays.hpp"
#include "unroll/plan/plan.hpp"
#include "unroll/record/rows.hpp"
#include "unroll/store/failures.hpp"
#include "unroll/store/file_door.hpp"

namespace unroll::store {

/// What a folder belongs to (plan.txt, numerics.txt); compared at every start. An extended study has a new plan.txt,
/// and those before it as plans/<number>.txt.
struct Identity {
  std::string scientific_text;  // config::scientific_text
  std::string plan_id;
  std::string numerics_key;  // "torch=2.11.0;isa=AVX512;threads=1;..."
};

/// Creates DIR (parents too) or opens it. UsageError: cannot be written, a path below a file, another study's folder
/// (with the differing lines shown), another numerics key. Leaves nothing behind on error. Call on one rank only.
/// extend: another study of the same numerics becomes the folder's; the caller knows that it has all the old one's
/// runs. Where plan.txt or numerics.txt is damaged or missing, and all shards are of this study, it is written again.
/// Returns lines for people: what was damaged.
enum class OtherStudy { refuse, extend };
std::vector<std::string> prepare(const std::string& folder, const Identity& identity,
                                 OtherStudy other = OtherStudy::refuse);
std::vector<std::string> prepare(const std::string& folder, const Identity& identity, OtherStudy other, FileDoor& door);

class EventLog;

/// One rank's hold on a prepared folder, in one attempt (attempt.hpp), whose number its files carry. Throws FileError
/// when the disk refuses, and Superseded when a newer attempt has taken the folder; what was committed before stays.
class Writer {
 public:
  Writer(std::string folder, int rank, std::string numerics_key, std::int64_t attempt = 1);
  Writer(std::string folder, int rank, std::string numerics_key, std::unique_ptr<FileDoor> door,
         std::int64_t attempt = 1);
  ~Writer();

  [[nodiscard]] std::int64_t attempt() const;
  /// Superseded unless its attempt is still the newest: before anything that others left is removed.
  void check_newest() const;
  /// What is committed, and runs that are not ok, are told there too; outlives the writer.
  void log_to(EventLog& events);
  /// Asked whenever the disk refuses; true: try again. Without it, or when it says false, FileError is thrown.
  using OnRefusal = std::function<bool(const FileError& error)>;
  void on_refusal(OnRefusal ask);

  /// Durable when it returns.
  void commit(std::span<const record::TreeRecord> trees, std::span<const record::TelemetryRow> telemetry);
  /// A shared stage (weights, buffers): durable when it returns; returns its digest "size:sha256".
  std::string commit_stage(const std::string& id, const hdf5::ArrayFile& stage);
  /// Weights that comparison groups need, as arrays called by kept_name (kept_weights.hpp): durable when it returns.
  void commit_weights(std::vector<hdf5::Array> weights);
  /// Runs that failed: durable when it returns.
  void commit_failures(std::span<const Failure> failures);
  /// Training in hand (checkpoints.hpp), under these names: durable when it returns; returns the file's name.
  std::string commit_checkpoint(const std::vector<std::string>& names, const std::vector<std::byte>& bytes);
  /// A file that this writer committed and nobody needs any more.
  void drop_checkpoint(const std::string& name) noexcept;
  /// Weights or logits of a run: DIR/<relative_path>, "weights/<name>.h5"; folders are made.
  void write_arrays(const std::string& relative_path, const hdf5::ArrayFile& arrays);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Ids of runs, groups and stages and names of weights whose shards or files are there and verified (size and SHA-256);
/// others are ignored. Error when one stage was committed with different bytes.
struct LostWeights {
  std::string file;                // recorded, and not in DIR/weights/kept: lost, or removed when it was needed no more
  std::vector<std::string> names;  // kept_name
};
struct Finished {
  std::unordered_set<std::string> runs;       // and comparison groups
  std::map<std::string, std::string> stages;  // id -> digest
  std::unordered_set<std::string> weights;    // kept_name
  std::vector<std::string> damaged_weights;   // files in DIR/weights/kept
  std::vector<LostWeights> lost_weights;
  std::vector<std::string> damage;  // lines for people: what is not as it was committed, and what that costs
};
[[nodiscard]] Finished finished(const std::string& folder);

/// Reads a stage, waiting up to deadline_s for the file to appear; nullopt when it does not or its digest is wrong.
[[nodiscard]] std::optional<hdf5::ArrayFile> read_stage(const std::string& folder, const std::string& id,
                                                        const std::string& digest, double deadline_s);

struct MergeSummary {
  std::int64_t num_runs = 0;  // finished
  std::int64_t num_pairs = 0;
  std::int64_t num_missing_runs = 0;  // planned, not finished: rows of /runs with status "missing"
  std::int64_t num_failed_runs = 0;   // failed, or finished with a status other than ok
  std::int64_t num_open_groups = 0;   // comparison groups without rows
  std::vector<std::string> damage;    // lines for people: what of the files that were replaced was damaged
};
/// Writes DIR/results.h5 and DIR/telemetry.h5, each with its .sha256, from all shards, in plan order. Error when a run
/// or a point of a curve was committed twice with different bytes, or a shard belongs to another plan or other
/// numerics.
MergeSummary merge(const std::string& folder, const config::Study& study, const plan::Plan& plan);

}  // namespace unroll::store
