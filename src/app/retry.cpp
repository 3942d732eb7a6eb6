// unroll retry: failed runs are taken again.
#include <algorithm>
#include <iostream>

#include "command_line.hpp"
#include "commands.hpp"
#include "unroll/app/prepare.hpp"
#include "unroll/base/wording.hpp"
#include "unroll/store/failures.hpp"

namespace unroll::app {

int run_retry(const std::vector<std::string>& arguments) {
  const Syntax syntax{.command = "retry", .words = {"DIR"}, .flags = {}, .values = {}};
  const std::string folder = parse(syntax, arguments).words[0];
  const Prepared prepared = prepare_saved(folder);
  const auto forgotten = store::forget_failures(folder);
  const auto& runs = prepared.plan.runs;
  const auto num_runs =
      std::count_if(runs.begin(), runs.end(), [&](const plan::Run& run) { return forgotten.contains(run.id); });
  std::cout << folder << ": failures of " << counted(num_runs, "run") << " forgotten"
            << (num_runs > 0 ? "; unroll run takes them again" : "") << '\n';
  return kExitComplete;
}

}  // namespace unroll::app
