// The gather between GPUs. Without one it is MPI's, which is tested here; cases tagged [gpu] need a device, and may
// share it: each rank then calls itself another host, for NCCL lets no two ranks of one host have the same device.
#include "unroll/gather/nccl_gather.hpp"

#include <cstdlib>
#include <string>

#include "gather/rows.hpp"
#include "unroll/cuda/cuda.hpp"
#include "unroll/mpi/mpi.hpp"
#define CATCH_CONFIG_RUNNER
#include "support/catch.hpp"

using namespace unroll;
using namespace unroll::gather;
using namespace unroll::gather::test;

namespace {

const std::vector<std::int64_t> kSizes = {600, 0, 150'001, 64, 65'536, 10'007};

template <typename Real>
Distances gathered(Gatherer& gatherer, const Rows<Real>& rows, const Request& request, int shift) {
  const mpi::Communicator world = mpi::Communicator::world();
  std::vector<Row> own;
  for (const Row& row : all_rows(rows)) {
    if ((row.model + shift) % world.size() == world.rank()) {
      own.push_back(row);
    }
  }
  return gatherer.distances(request, own);
}

Options options() {
  Options result;
  result.silence = std::chrono::seconds(60);
  return result;
}

int device_here(const mpi::Communicator& world) {
  const auto num_devices = static_cast<int>(cuda::devices().size());
  return num_devices == 0 ? 0 : cuda::device_of_rank(world.node().rank(), num_devices);
}

template <typename Real>
Request full_request(const Rows<Real>& rows) {
  Request request = request_of(rows, kSizes);
  request.direct = {{0, 1}, {4, 2}};
  request.everywhere = true;
  return request;
}

template <typename Real>
void check_against_mpi(double apart) {
  const mpi::Communicator world = mpi::Communicator::world();
  const auto rows = make_rows<Real>(7, num_parameters(kSizes), apart);
  const Request request = full_request(rows);
  const Distances expected = gathered(*make_mpi_gatherer(world, options()), rows, request, 0);
  const auto gatherer = make_nccl_gatherer(world, device_here(world), options());

  const Distances found = gathered(*gatherer, rows, request, 0), shifted = gathered(*gatherer, rows, request, 1);

  CHECK(found.work.fallback.empty());
  CHECK(found.all.squared == shifted.all.squared);
  CHECK(found.direct.squared == shifted.direct.squared);
  for (std::size_t i = 0; i < expected.all.squared.size(); ++i) {
    CHECK(std::abs(found.all.squared[i] - expected.all.squared[i]) <= found.all.bound[i] + expected.all.bound[i]);
  }
  for (std::size_t i = 0; i < expected.direct.squared.size(); ++i) {
    CHECK(found.direct.squared[i] == Approx(expected.direct.squared[i]).epsilon(1e-12));
  }
}

}  // namespace

TEST_CASE("where a rank has no such device, all ranks go over MPI, with its bits, and say why") {
  const mpi::Communicator world = mpi::Communicator::world();
  const auto rows = make_rows<float>(7, num_parameters(kSizes), 1.0);
  const Request request = full_request(rows);
  const Distances expected = gathered(*make_mpi_gatherer(world, options()), rows, request, 0);
  const auto gatherer = make_nccl_gatherer(world, world.rank() == 0 ? 1000 : device_here(world), options());

  for (int i = 0; i < 2; ++i) {
    const Distances found = gathered(*gatherer, rows, request, 0);

    CHECK(found.all.squared == expected.all.squared);
    CHECK(found.direct.bound == expected.direct.bound);
    CHECK_THAT(found.work.fallback, Catch::StartsWith("rank 0: ") && Catch::Contains("cudaSetDevice"));
  }
}

TEST_CASE("GPUs' distances agree with the reference within both bounds, for any spread of the rows", "[gpu]") {
  for (const double apart : {70.0, 1.0, 1e-4}) {
    check_against_mpi<float>(apart);
    check_against_mpi<double>(apart);
  }
}

/// As tests/support/mpi_main.cpp; 77 where [gpu] is asked for and there is none.
int main(int argc, char** argv) {
  const mpi::Environment environment(mpi::wanted_thread_level());
  const mpi::Communicator world = mpi::Communicator::world();
  if (argc > 1 && std::string(argv[1]) == "[gpu]") {
    if (cuda::devices().empty()) {
      return 77;
    }
    if (static_cast<int>(cuda::devices().size()) < world.node().size()) {
      setenv("NCCL_HOSTID", ("rank-" + std::to_string(world.rank())).c_str(), 1);
    }
  }
  const int failures = Catch::Session().run(argc, argv);
  for (const std::string& outcome : world.all_gather(std::string(failures == 0 ? "pass" : "fail"))) {
    if (outcome != "pass") {
      return 1;
    }
  }
  return 0;
}
