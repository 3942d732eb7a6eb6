#pragma once
#include <string>
#include <vector>

namespace unroll::app {

/// `unroll submit`: as in commands.hpp. Replaces this process by sbatch.
int run_submit(const std::vector<std::string>& arguments);

inline constexpr const char* kSubmitArguments =
    "STUDY.ini [--set KEY=VALUE]... [--output DIR] [--nodes N] [--ranks-per-node N] [--time T]\n"
    "                  [--chunks N | --preemptible] [--launcher mpirun|srun] [--site FILE] [--dry-run]\n"
    "                  [-- SBATCH_ARGS...]";
inline constexpr const char* kSubmitDetails =
    "Sizes the job from the plan's cost and memory, writes the scripts to DIR/job and starts sbatch. The job stops in\n"
    "order before its time limit or a preemption, goes back into the queue while work is left, and does not after a\n"
    "scancel. The same command later goes on from what is done.\n\n"
    "  --output DIR      folder of the results (results/NAME of the study); all nodes must see it\n"
    "  --nodes N         nodes of the job, or of each chunk (1)\n"
    "  --ranks-per-node N  without it as many as cores and memory allow and the plan keeps busy; with GPUs one each\n"
    "  --time T          8:00:00, 1-12:00:00, 90m; without it twice the estimate and 10 minutes\n"
    "  --chunks N        a job array of N parts of the study; the last one that is done joins them\n"
    "  --preemptible     for nodes that may be taken away: checkpoints every 10 minutes, up to 1000 returns\n"
    "  --launcher NAME   mpirun or srun (srun --mpi=pmix); else the site file's, else mpirun\n"
    "  --site FILE       settings of the cluster (jobs/site.example); else $UNROLL_SITE, else ~/.config/unroll/site\n"
    "  --dry-run         shows what would be submitted and writes nothing\n"
    "  SBATCH_ARGS       more options of sbatch, each in one word: -- --account=project --mail-type=END\n";

}  // namespace unroll::app
