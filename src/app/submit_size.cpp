#include <algorithm>
#include <cmath>

#include "duration.hpp"
#include "size_text.hpp"
#include "submit.hpp"
#include "unroll/base/error.hpp"
#include "unroll/base/text.hpp"
#include "unroll/base/wording.hpp"
#include "unroll/plan/chunk.hpp"

namespace unroll::app {
namespace {

constexpr double kProcessBytes = 5e8;   // a rank's LibTorch and MPI, before any model
constexpr double kMemoryMargin = 1.25;  // on the plan's estimate
constexpr double kNodeShare = 0.95;     // of a node's memory; the rest is the system's
constexpr double kShortestWork_s = 10;  // a rank with less is not worth its start
constexpr double kMegabyte = 1024 * 1024;
constexpr double kStart_s = 600, kTimeMargin = 2;  // on the estimate, where no --time is given
constexpr double kTimeStep_s = 300, kLongest_s = 7 * 86400.0;
constexpr double kLeastWarning_s = 60, kMostWarning_s = 300;

/// "gpu:a100:4" has 4.
std::optional<std::int64_t> num_gpus(const Site& site) {
  const auto gres = site.find("gres");
  if (gres == site.end() || !gres->second.starts_with("gpu")) {
    return std::nullopt;
  }
  return parse_integer(split(gres->second, ':').back()).value_or(1);
}

/// The longest chain of work that cannot be divided: a pretraining, M and one M'.
double longest_chain_s(const plan::Plan& plan) {
  double longest_s = 0;
  for (const plan::Item& item : plan.items) {
    if (item.kind != plan::ItemKind::tree) {
      continue;
    }
    const plan::Tree& tree = plan.trees[item.index];
    double fork_s = 0, before_s = 0;
    for (const plan::Fork& fork : tree.forks) {
      fork_s = std::max(fork_s, fork.cost_s);
    }
    for (const std::size_t before : item.depends) {
      before_s = std::max(before_s, plan.items[before].cost_s);
    }
    longest_s = std::max(longest_s, before_s + tree.trunk_cost_s + fork_s);
  }
  return longest_s;
}

double rank_bytes(const plan::Plan& plan, std::int64_t num_ranks) {
  const double compared = plan.totals.comparison_bytes / static_cast<double>(num_ranks);
  return kProcessBytes + kMemoryMargin * (plan.totals.memory_per_rank_bytes + compared);
}

/// More would find no work, or too little to be worth their start.
std::int64_t useful_ranks(const plan::Plan& plan, double cost_s) {
  std::int64_t num_parts = 0;
  for (const plan::Tree& tree : plan.trees) {
    num_parts += std::max<std::int64_t>(1, std::ssize(tree.forks));
  }
  return std::clamp(static_cast<std::int64_t>(std::ceil(cost_s / kShortestWork_s)), std::int64_t{1}, num_parts);
}

[[noreturn]] void refuse(const std::string& what, double bytes, const Node& node) {
  throw UsageError("submit: " + what + " of " + size_text(bytes) + " each do not fit a node with " +
                   counted(node.cores, "core") +
                   (node.memory_bytes > 0 ? " and " + size_text(node.memory_bytes) + " of memory" : "") + " (" +
                   node.source + "); give a smaller --ranks-per-node, run.lanes or run.threads");
}

std::int64_t choose_ranks(const plan::Plan& plan, const Submission& asked, const Node& node, std::int64_t most_useful,
                          std::int64_t threads, std::optional<std::int64_t> gpus) {
  const double bytes = rank_bytes(plan, asked.nodes);
  std::int64_t room = gpus ? std::min(*gpus, node.cores) : node.cores / threads;
  if (node.memory_bytes > 0) {
    room = std::min(room, static_cast<std::int64_t>(kNodeShare * node.memory_bytes / bytes));
  }
  const std::int64_t wanted = asked.ranks_per_node.value_or(1);
  if (room < wanted) {
    refuse(counted(wanted, "rank") + " of " + counted(threads, "thread"), bytes, node);
  }
  const std::int64_t useful = (most_useful + asked.nodes - 1) / asked.nodes;
  return asked.ranks_per_node.value_or(std::min(room, useful));
}

void add_time(JobSize& size, const Submission& asked) {
  size.time_s =
      asked.time_s
          ? std::ceil(*asked.time_s / 60) * 60
          : std::min(kLongest_s, std::ceil((kTimeMargin * size.estimate_s + kStart_s) / kTimeStep_s) * kTimeStep_s);
  size.warning_s = std::clamp(std::floor(size.time_s / 10), kLeastWarning_s, kMostWarning_s);
  const double useful_s = size.time_s - size.warning_s;
  if (size.estimate_s > useful_s) {
    size.advice.push_back("the work takes about " + duration_text(size.estimate_s) +
                          ", longer than the time limit of " + duration_text(size.time_s) +
                          ": the job will come back into the queue about " +
                          counted(static_cast<std::int64_t>(size.estimate_s / useful_s), "time") +
                          "; more nodes, a longer --time or --chunks make that fewer");
  }
}

}  // namespace

std::optional<Node> node_of(std::string_view sinfo, const std::string& partition) {
  std::optional<Node> least;
  for (const std::string_view line : split(sinfo, '\n')) {
    std::vector<std::string_view> fields;
    for (const std::string_view field : split(line, ' ')) {
      if (!field.empty()) {
        fields.push_back(field);
      }
    }
    const bool is_default = !fields.empty() && fields[0].ends_with('*');
    if (fields.size() != 5 ||
        (partition.empty() ? !is_default : fields[0].substr(0, fields[0].size() - (is_default ? 1 : 0)) != partition)) {
      continue;
    }
    const auto sockets = parse_integer(fields[1]), cores = parse_integer(fields[2]), threads = parse_integer(fields[3]);
    const auto memory_mb = parse_real(fields[4].substr(0, fields[4].find('+')));  // "96000+": or more
    if (!sockets || !cores || !threads || !memory_mb || *sockets < 1 || *cores < 1 || *threads < 1) {
      continue;
    }
    const Node node{*sockets * *cores, *threads, *memory_mb * kMegabyte, "sinfo"};
    if (!least) {
      least = node;
    }
    least->cores = std::min(least->cores, node.cores);
    least->threads_per_core = std::max(least->threads_per_core, node.threads_per_core);
    least->memory_bytes = std::min(least->memory_bytes, node.memory_bytes);
  }
  return least;
}

JobSize size_job(const plan::Plan& plan, const Submission& asked, const Site& site, const Node& node) {
  const auto& run = plan.cells.front().run;
  const double cost_s = asked.chunks > 1 ? plan::share_of(plan, {1, asked.chunks}).largest_cost_s : plan.totals.cost_s;
  const std::int64_t most_useful = useful_ranks(plan, cost_s);
  JobSize size;
  const auto gpus = run.device == config::Device::cpu ? std::nullopt : num_gpus(site);
  size.uses_gpus = gpus.has_value();
  size.ranks_per_node = choose_ranks(plan, asked, node, most_useful, run.threads, gpus);
  size.threads = run.threads;
  const std::int64_t num_ranks = size.ranks_per_node * asked.nodes;
  const double core_bytes = rank_bytes(plan, asked.nodes) / static_cast<double>(size.threads);
  size.memory_per_core_mb = static_cast<std::int64_t>(std::ceil(core_bytes / kMegabyte));
  size.estimate_s = std::max(cost_s / static_cast<double>(num_ranks), longest_chain_s(plan));
  if (num_ranks > most_useful) {
    size.advice.push_back("the plan's cost keeps about " + counted(most_useful, "rank") + " busy; " +
                          std::to_string(num_ranks) + " will be started");
  }
  if (size.uses_gpus) {
    size.advice.push_back("the time is that of " + counted(num_ranks, "core") + "; GPUs take less");
  }
  add_time(size, asked);
  return size;
}

}  // namespace unroll::app
