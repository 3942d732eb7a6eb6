#include "ranks.hpp"

#include <algorithm>
#include <cstdlib>
#include <initializer_list>

#include "unroll/base/text.hpp"

namespace unroll::app {
namespace {

int first_number(std::initializer_list<const char*> names, int otherwise) {
  for (const char* name : names) {
    const char* text = std::getenv(name);
    // "4(x2)" is how Slurm writes four tasks on each of two nodes.
    const auto number = text == nullptr ? std::nullopt : parse_integer(split(text, '(').front());
    if (number && *number >= 0 && *number < 10'000'000) {
      return static_cast<int>(*number);
    }
  }
  return otherwise;
}

}  // namespace

int launched_rank() { return first_number({"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "SLURM_PROCID"}, 0); }

int ranks_on_node() {
  return std::max(
      1, first_number({"OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS", "PMI_LOCAL_SIZE", "SLURM_STEP_TASKS_PER_NODE"},
                      1));
}

std::string launcher() {
  const auto is_set = [](const char* name) { return std::getenv(name) != nullptr; };
  if (is_set("OMPI_COMM_WORLD_RANK")) {
    return "mpirun";
  }
  if (is_set("SLURM_PROCID") && is_set("SLURM_STEP_ID")) {
    return "srun";
  }
  return is_set("PMI_RANK") || is_set("PMIX_RANK") ? "mpirun" : "";
}

}  // namespace unroll::app
