// unroll run: everything that can be checked without LibTorch, then unroll-worker in the place of this process.
#include "commands.hpp"
#include "extend.hpp"
#include "failure.hpp"
#include "output_folder.hpp"
#include "ranks.hpp"
#include "start_worker.hpp"
#include "unroll/app/prepare.hpp"
#include "unroll/store/chunks.hpp"

namespace unroll::app {
namespace {

void check_chunk(const RunArguments& run, const plan::Plan& plan) {
  if (run.chunk) {
    (void)plan::share_of(plan, *run.chunk);
    store::check_for_chunk(run.output, run.chunk->count, plan.id);
  } else {
    store::check_for_whole(run.output);
  }
}

}  // namespace

int run_study(const std::vector<std::string>& arguments) {
  const RunArguments run = parse_run(arguments);
  const Prepared prepared = prepare(run.study, run.sets);
  const auto device = prepared.plan.cells.front().run.device;
  check_output_folder(run.output);
  check_chunk(run, prepared.plan);
  const auto added = run.extend ? check_extension(run.folder, prepared) : std::nullopt;
  if (added && launched_rank() == 0) {
    say_notice("extends " + run.folder + ": " + describe(*added, prepared.plan), 0);
  }
  if (run.cache) {
    check_cache_folder(run.cache->folder);
  }
  start_worker(arguments, device);
}

}  // namespace unroll::app
