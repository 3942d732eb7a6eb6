#pragma once
// `unroll submit`: a study as a Slurm job of the right size. Everything here is plain values; only submit_command.cpp
// looks at the machine, writes files and starts sbatch, with every value as an argument of its own: no shell reads
// them.
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "unroll/plan/plan.hpp"

namespace unroll::app {

/// What the user asked for.
struct Submission {
  std::string study;              // path
  std::vector<std::string> sets;  // "key=value"
  std::string output;             // empty: results/NAME of the study
  std::int64_t nodes = 1;
  std::optional<std::int64_t> ranks_per_node;
  std::optional<double> time_s;
  std::string launcher;  // "mpirun", "srun", or empty: the site's
  std::int64_t chunks = 1;
  bool is_preemptible = false;
  bool is_dry_run = false;
  std::string site;                      // path, or empty
  std::vector<std::string> sbatch_args;  // after --
};
/// UsageError names the option, the value, and what it may be.
[[nodiscard]] Submission parse_submission(const std::vector<std::string>& arguments);

/// The keys of a site file (jobs/site.example) that are set.
using Site = std::map<std::string, std::string, std::less<>>;
/// UsageError names the file, the line, the key and what its value may be.
[[nodiscard]] Site parse_site(const std::string& text, const std::string& path);
/// What slurm.sh reads of it, beside the scripts in DIR/job.
[[nodiscard]] std::string job_site(const Site& site, const std::string& launcher, const std::string& program);

/// A node of the partition; the smallest where they differ.
struct Node {
  std::int64_t cores = 1;
  std::int64_t threads_per_core = 1;
  double memory_bytes = 0;  // 0: not known
  std::string source;       // "the site file", "sinfo", "this machine"
};
/// From `sinfo -h -N -o "%P %X %Y %Z %m"`: the least of the partition's nodes; of the default one for "". nullopt when
/// the text holds none of them.
[[nodiscard]] std::optional<Node> node_of(std::string_view sinfo, const std::string& partition);

/// What one job gets. `advice`: sentences for the user.
struct JobSize {
  std::int64_t ranks_per_node = 1;
  std::int64_t threads = 1;  // of a rank: its cores
  std::int64_t memory_per_core_mb = 0;
  double estimate_s = 0;  // that the work takes, by the plan's cost
  double time_s = 0;
  double warning_s = 0;    // SIGUSR2 comes so long before the end
  bool uses_gpus = false;  // the site's gres
  std::vector<std::string> advice;
};
/// UsageError when a node cannot hold the ranks asked for, or not even one.
[[nodiscard]] JobSize size_job(const plan::Plan& plan, const Submission& asked, const Site& site, const Node& node);

/// The arguments of sbatch, the first one being its name. `folder`: where the scripts are.
[[nodiscard]] std::vector<std::string> sbatch_words(const Submission& asked, const Site& site, const Node& node,
                                                    const JobSize& size, const std::string& folder);
/// "array.sbatch": the script of jobs/ that fits.
[[nodiscard]] std::string script_of(const Submission& asked);

/// As a shell would need it written, for people to read and copy.
[[nodiscard]] std::string shell_text(const std::vector<std::string>& words);

/// UsageError unless the value is one line of UTF-8 without quotes, backslashes and control characters. `name`: of the
/// option or key.
void check_plain(const std::string& name, std::string_view value);

/// The files of jobs/ that a job needs, as they were when the program was built: name and text.
struct JobScript {
  std::string_view name;
  std::string_view text;
};
[[nodiscard]] std::vector<JobScript> job_scripts();

}  // namespace unroll::app
