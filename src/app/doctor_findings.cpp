#include <algorithm>
#include <cmath>
#include <map>

#include "doctor.hpp"
#include "size_text.hpp"
#include "unroll/base/text.hpp"
#include "unroll/base/wording.hpp"

namespace unroll::app {
namespace {

using Ranks = std::vector<const Machine*>;

std::map<std::string, Ranks> by_host(const Job& job) {
  std::map<std::string, Ranks> hosts;
  for (const Machine& machine : job.ranks) {
    hosts[machine.host].push_back(&machine);
  }
  return hosts;
}

std::string numbers_of(const Ranks& ranks) {
  std::set<int> numbers;
  for (const Machine* rank : ranks) {
    numbers.insert(rank->rank);
  }
  return (ranks.size() == 1 ? "rank " : "ranks ") + ranges(numbers);
}

std::set<int> all_cpus(const Ranks& ranks) {
  std::set<int> cpus;
  for (const Machine* rank : ranks) {
    cpus.insert(rank->cpus.begin(), rank->cpus.end());
  }
  return cpus;
}

bool is_bound(const Machine& machine) { return std::ssize(machine.cpus) < machine.num_cpus; }

/// How to be given other cores by this launcher.
std::string remedy(const Job& job, const Ranks& ranks, std::int64_t threads) {
  const bool bound = std::any_of(ranks.begin(), ranks.end(), [](const Machine* rank) { return is_bound(*rank); });
  if (bound && job.launcher == "mpirun") {
    return "mpirun binds ranks to cores unless told otherwise: mpirun --bind-to none";
  }
  if (bound && job.launcher == "srun") {
    return "give each task its cores: srun --cpus-per-task=" + std::to_string(threads);
  }
  return "start fewer ranks";
}

/// Ranks that may run on common hardware threads only, too many for them.
void find_sharing(const Job& job, const Ranks& ranks, std::int64_t threads, std::vector<std::string>& found) {
  std::map<std::set<int>, Ranks> groups;
  for (const Machine* rank : ranks) {
    groups[rank->cpus].push_back(rank);
  }
  for (const auto& [cpus, sharers] : groups) {
    const std::int64_t wanted = std::ssize(sharers) * threads;
    if (wanted <= std::ssize(cpus)) {
      continue;
    }
    const std::string where = (cpus.size() == 1 ? "core " : "cores ") + ranges(cpus) + " of " + ranks.front()->host;
    found.push_back((sharers.size() == 1
                         ? numbers_of(sharers) + " has " + counted(threads, "thread") + ", but may run only on "
                         : numbers_of(sharers) + " (" + counted(threads, "thread") + " each) all run on ") +
                    where + " and take turns there: " + remedy(job, sharers, threads));
  }
}

void find_crowding(const Job& job, const Ranks& ranks, std::int64_t threads, std::vector<std::string>& found) {
  const Machine& first = *ranks.front();
  const std::int64_t wanted = std::ssize(ranks) * threads;
  const std::set<int> cpus = all_cpus(ranks);
  const auto groups_found = found.size();
  find_sharing(job, ranks, threads, found);
  if (found.size() == groups_found && wanted > std::ssize(cpus)) {
    found.push_back(counted(wanted, "thread") + " of " + counted(std::ssize(ranks), "rank") + " on " + first.host +
                    ", which has " + counted(std::ssize(cpus), "hardware thread") +
                    " for them: " + remedy(job, ranks, threads));
  }
  if (found.size() == groups_found && job.launcher == "mpirun" && is_bound(first)) {
    found.push_back("mpirun bound each rank on " + first.host +
                    " to cores of its own; a second mpirun there binds its " +
                    "ranks to the same ones, and both take turns: if more than one job runs, mpirun --bind-to none");
  }
  if (first.cpu_limit > 0 && static_cast<double>(wanted) > first.cpu_limit) {
    found.push_back("the control group of " + first.host + " grants the time of " + rounded(first.cpu_limit) +
                    " cores to " + counted(wanted, "thread") + ", which are stopped again and again: start " +
                    counted(std::max<std::int64_t>(1, static_cast<std::int64_t>(first.cpu_limit) / threads), "rank"));
  } else if (first.cpu_limit > 0 && first.cpu_limit < static_cast<double>(first.num_cpus)) {
    found.push_back(first.host + " shows " + std::to_string(first.num_cpus) +
                    " hardware threads, but its control group " + "grants the time of " + rounded(first.cpu_limit) +
                    " cores: count on these only");
  }
}

std::string value_of(const Machine& machine, const std::string& name) {
  for (const std::string& variable : machine.variables) {
    if (variable.starts_with(name + "=")) {
      return variable.substr(name.size() + 1);
    }
  }
  return "";
}

void find_variables(const Job& job, std::int64_t threads, std::vector<std::string>& found) {
  const Machine& machine = job.ranks.front();
  for (const char* name : {"OMP_NUM_THREADS", "MKL_NUM_THREADS"}) {
    const std::string value = value_of(machine, name);
    if (!value.empty() && value != std::to_string(threads)) {
      found.push_back(std::string(name) + "=" + value + " has no effect: run.threads decides (" +
                      std::to_string(threads) + " here)");
    }
  }
  const auto limit = parse_integer(value_of(machine, "OMP_THREAD_LIMIT"));
  if (limit && *limit < threads) {
    found.push_back("OMP_THREAD_LIMIT=" + std::to_string(*limit) +
                    " is below run.threads = " + std::to_string(threads) + ": unset it");
  }
  for (const char* name : {"OMP_PROC_BIND", "OMP_PLACES", "GOMP_CPU_AFFINITY", "KMP_AFFINITY"}) {
    const std::string value = value_of(machine, name);
    if (!value.empty() && value != "false" && job.ranks.size() > 1) {
      found.push_back(std::string(name) + "=" + value + " can put the threads of all ranks of a machine on the same " +
                      "cores: unset it");
    }
  }
}

void find_unlike(const Job& job, std::vector<std::string>& found) {
  for (const Machine& machine : job.ranks) {
    if (machine.numerics_key != job.ranks.front().numerics_key) {
      found.push_back(
          "rank " + std::to_string(machine.rank) + " on " + machine.host + " computes other bits than rank " +
          std::to_string(job.ranks.front().rank) + " on " + job.ranks.front().host +
          ", so unroll run would refuse: use machines of one kind, or set MKL_CBWR, ATEN_CPU_CAPABILITY and " +
          "ONEDNN_MAX_CPU_ISA to the lowest instruction set");
      return;
    }
  }
}

/// The UUIDs of the GPUs that a rank sees.
std::set<std::string> uuids_of(const Machine& machine) {
  std::set<std::string> uuids;
  for (const std::string& line : machine.gpus) {
    const std::size_t start = line.find("GPU-");
    if (start != std::string::npos) {
      uuids.insert(line.substr(start, line.find(',', start) - start));
    }
  }
  return uuids;
}

void find_gpus(const Job& job, std::vector<std::string>& found) {
  const auto sees_one = [](const Machine& machine) { return !uuids_of(machine).empty(); };
  const auto without = std::find_if_not(job.ranks.begin(), job.ranks.end(), sees_one);
  if (std::none_of(job.ranks.begin(), job.ranks.end(), sees_one)) {
    return;
  }
  if (without != job.ranks.end()) {
    found.push_back("rank " + std::to_string(without->rank) + " on " + without->host +
                    " sees no GPU and others do, so with run.device = auto all compute on CPUs: give every rank a GPU");
  }
  for (const auto& [host, ranks] : by_host(job)) {
    std::set<std::string> uuids;
    for (const Machine* rank : ranks) {
      uuids.merge(uuids_of(*rank));
    }
    if (!uuids.empty() && uuids.size() < ranks.size()) {
      found.push_back(counted(std::ssize(ranks), "rank") + " share " + counted(std::ssize(uuids), "GPU") + " on " +
                      host + ", and NCCL needs one for each: start as many ranks as there are GPUs");
    }
  }
}

}  // namespace

std::int64_t Room::ranks() const { return by_memory > 0 ? std::min(by_cores, by_memory) : by_cores; }

std::vector<Room> rooms(const Job& job, const std::optional<Needs>& needs) {
  std::vector<Room> result;
  for (const auto& [host, ranks] : by_host(job)) {
    const Machine& first = *ranks.front();
    // Where mpirun bound the ranks, what they may use says nothing about what there is.
    const bool bound_by_mpirun = job.launcher == "mpirun" && is_bound(first);
    std::set<int> cores;
    for (const Machine* rank : ranks) {
      cores.insert(rank->cores.begin(), rank->cores.end());
    }
    const auto num_cores = static_cast<double>(bound_by_mpirun ? first.num_cores : std::ssize(cores));
    const double granted = first.cpu_limit > 0 ? std::min(first.cpu_limit, num_cores) : num_cores;
    Room room{host, std::max<std::int64_t>(1, static_cast<std::int64_t>(granted + 0.01)), 0};
    if (needs && needs->memory_per_rank_bytes > 0) {
      const double fit = static_cast<double>(first.memory_bytes) / needs->memory_per_rank_bytes;
      room.by_memory = std::max<std::int64_t>(1, static_cast<std::int64_t>(std::min(fit, 1e6)));
    }
    result.push_back(room);
  }
  return result;
}

std::vector<std::string> findings(const Job& job, const std::optional<Needs>& needs) {
  const std::int64_t threads = needs ? needs->threads : 1;
  std::vector<std::string> found = job.problems;
  for (const auto& [host, ranks] : by_host(job)) {
    find_crowding(job, ranks, threads, found);
    const auto per_rank = static_cast<double>(ranks.front()->memory_bytes) / static_cast<double>(ranks.size());
    if (needs && needs->memory_per_rank_bytes > per_rank) {
      found.push_back("a rank of this study needs about " + size_text(needs->memory_per_rank_bytes) + ", but has " +
                      size_text(per_rank) + " on " + host + ": start fewer ranks there, or set run.lanes lower");
    }
  }
  find_unlike(job, found);
  find_gpus(job, found);
  find_variables(job, threads, found);
  if (!job.thread_level.empty() && job.thread_level != "MULTIPLE") {
    found.push_back("MPI gives MPI_THREAD_" + job.thread_level +
                    ", not MULTIPLE: rank 0 hands out work between its own steps, and others may wait for it");
  }
  return found;
}

}  // namespace unroll::app
