// Ranks that gather again and again until one of them falls silent: silent SIGNAL VICTIM. The victim sends itself the
// signal amid its work; the others print what they find, and abort a while later, when all have had the time to.
#include <chrono>
#include <csignal>
#include <iostream>
#include <string>
#include <thread>

#include "gather/rows.hpp"
#include "unroll/base/error.hpp"
#include "unroll/gather/gather.hpp"
#include "unroll/mpi/mpi.hpp"

using namespace unroll;
using namespace unroll::gather;

namespace {

constexpr std::int64_t kModels = 8;
const std::vector<std::int64_t> kSizes = {300'000, 10, 500'000};

void gather_for_ever(const mpi::Communicator& world, int signal, int victim) {
  const auto rows = test::make_rows<float>(kModels, test::num_parameters(kSizes), 1.0);
  const Request request = test::request_of(rows, kSizes);
  std::vector<Row> own;
  for (const Row& row : test::all_rows(rows)) {
    if (row.model % world.size() == world.rank()) {
      own.push_back(row);
    }
  }
  Options options;
  options.silence = options.start = std::chrono::seconds(3);
  options.piece_elements = 10'000;
  const auto gatherer = make_mpi_gatherer(world, options);
  static_cast<void>(gatherer->distances(request, own));
  std::cout << "rank " + std::to_string(world.rank()) + " has gathered\n" << std::flush;
  std::thread assassin([&] {
    if (world.rank() == victim) {
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
      raise(signal);
    }
  });
  assassin.detach();
  while (true) {
    static_cast<void>(gatherer->distances(request, own));
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    return 2;
  }
  const mpi::Environment environment(mpi::wanted_thread_level());
  const mpi::Communicator world = mpi::Communicator::world();
  try {
    gather_for_ever(world, std::string(argv[1]) == "stop" ? SIGSTOP : SIGKILL, std::stoi(argv[2]));
  } catch (const Error& error) {
    std::cerr << "on rank " + std::to_string(world.rank()) + ": " + error.what() + "\n" << std::flush;
    std::this_thread::sleep_for(std::chrono::seconds(2));
    mpi::Environment::abort(1);
  }
  return 0;
}
