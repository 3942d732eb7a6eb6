// unroll run: everything that can be checked without LibTorch, then unroll-worker in the place of this process.
#include "commands.hpp"
#include "output_folder.hpp"
#include "start_worker.hpp"
#include "unroll/app/prepare.hpp"

namespace unroll::app {

int run_study(const std::vector<std::string>& arguments) {
  const RunArguments run = parse_run(arguments);
  const auto device = prepare(run.study, run.sets).plan.cells.front().run.device;
  check_output_folder(run.output);
  if (run.cache) {
    check_cache_folder(run.cache->folder);
  }
  start_worker(arguments, device);
}

}  // namespace unroll::app
