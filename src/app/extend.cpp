#include "extend.hpp"

#include <filesystem>

#include "unroll/base/error.hpp"
#include "unroll/base/wording.hpp"
#include "unroll/config/changes.hpp"

namespace unroll::app {

std::optional<plan::Extension> check_extension(const std::string& folder, const Prepared& study) {
  if (!std::filesystem::exists(folder + "/study.ini")) {
    return std::nullopt;
  }
  const Prepared there = prepare_saved(folder);
  if (there.plan.id == study.plan.id) {
    return std::nullopt;
  }
  plan::Extension extension = plan::extension(there.plan, study.plan);
  if (!extension.lost.empty()) {
    const plan::Run& run = there.plan.runs[extension.lost.front()];
    throw UsageError(folder + ": --extend keeps all runs that are there, and this study lacks " +
                     std::to_string(extension.lost.size()) + " of " +
                     counted(static_cast<std::int64_t>(there.plan.runs.size()), "run") + ", the first of cell " +
                     std::to_string(run.cell) + " with seed " + std::to_string(there.plan.seeds[run.seed]) + " (" +
                     config::changes(config::scientific_text(there.study), config::scientific_text(study.study)) +
                     "); add seeds or values to what is there, or give another --output");
  }
  return extension;
}

}  // namespace unroll::app
