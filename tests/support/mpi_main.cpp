// The main of tests under mpirun: every rank runs every test; a failure on any rank is 1 on all of them.
// Before a collective use CHECK, not REQUIRE: a rank that leaves a test alone makes the others wait for the time-out.
#define CATCH_CONFIG_RUNNER
#include "support/catch.hpp"
#include "unroll/mpi/mpi.hpp"

int main(int argc, char** argv) {
  const unroll::mpi::Environment environment(unroll::mpi::wanted_thread_level());
  const unroll::mpi::Communicator world = unroll::mpi::Communicator::world();
  const int failures = Catch::Session().run(argc, argv);
  const std::vector<std::string> outcomes = world.all_gather(std::string(failures == 0 ? "pass" : "fail"));
  for (const std::string& outcome : outcomes) {
    if (outcome != "pass") {
      return 1;
    }
  }
  return 0;
}
