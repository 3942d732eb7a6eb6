#include <algorithm>
#include <array>
#include <cstdlib>
#include <exception>
#include <string_view>

#include "check.hpp"
#include "unroll/base/error.hpp"
#include "unroll/mpi/mpi.hpp"

namespace unroll::mpi {
namespace {

int to_mpi(ThreadLevel level) {
  switch (level) {
    case ThreadLevel::single:
      return MPI_THREAD_SINGLE;
    case ThreadLevel::funneled:
      return MPI_THREAD_FUNNELED;
    case ThreadLevel::serialized:
      return MPI_THREAD_SERIALIZED;
    case ThreadLevel::multiple:
      break;
  }
  return MPI_THREAD_MULTIPLE;
}

ThreadLevel from_mpi(int level) {
  for (const ThreadLevel known : {ThreadLevel::multiple, ThreadLevel::serialized, ThreadLevel::funneled}) {
    if (level == to_mpi(known)) {
      return known;
    }
  }
  return ThreadLevel::single;
}

/// Open MPI starts a daemon for a process without a launcher and probes networks for peers (0.3 s). One that has none
/// needs neither; what the user set stays.
void expect_no_peers() {
  setenv("OMPI_MCA_ess_singleton_isolated", "1", 0);
  setenv("OMPI_MCA_pml", "ob1", 0);
  setenv("OMPI_MCA_btl", "self", 0);
}

/// Whether mpirun has put all ranks on this node.
bool on_one_node() {
  const char* ranks = std::getenv("OMPI_COMM_WORLD_SIZE");
  const char* here = std::getenv("OMPI_COMM_WORLD_LOCAL_SIZE");
  return ranks != nullptr && here != nullptr && std::string_view(ranks) == here;
}

/// Open MPI looks for fast networks before it takes shared memory after all (0.2 s). What the user set stays.
void expect_no_network() { setenv("OMPI_MCA_pml", "ob1", 0); }

}  // namespace

void check(int code, const char* call, std::source_location where) {
  if (code == MPI_SUCCESS) {
    return;
  }
  std::array<char, MPI_MAX_ERROR_STRING> words{};
  int length = 0;
  if (MPI_Error_string(code, words.data(), &length) != MPI_SUCCESS) {
    length = 0;
  }
  throw Error(std::string(where.file_name()) + ":" + std::to_string(where.line()) + ": " + call + " failed with code " +
              std::to_string(code) + ": " + std::string(words.data(), static_cast<std::size_t>(length)));
}

ThreadLevel wanted_thread_level() {
  const char* text = std::getenv("UNROLL_MPI_THREADS");
  const std::string_view value = text == nullptr ? "multiple" : text;
  if (value == "multiple") {
    return ThreadLevel::multiple;
  }
  if (value == "serialized") {
    return ThreadLevel::serialized;
  }
  if (value == "funneled") {
    return ThreadLevel::funneled;
  }
  if (value == "single") {
    return ThreadLevel::single;
  }
  throw UsageError("UNROLL_MPI_THREADS = " + std::string(value) +
                   ": must be single, funneled, serialized or multiple; unset it to get multiple");
}

Environment::Environment(ThreadLevel wanted, bool alone)
    : provided_(ThreadLevel::single), exceptions_at_start_(std::uncaught_exceptions()) {
  int initialized = 0;
  check(MPI_Initialized(&initialized), "MPI_Initialized");
  if (initialized != 0) {
    throw Error("MPI is initialised already: a program has one mpi::Environment");
  }
  if (alone) {
    expect_no_peers();
  } else if (on_one_node()) {
    expect_no_network();
  }
  int provided = MPI_THREAD_SINGLE;
  check(MPI_Init_thread(nullptr, nullptr, to_mpi(wanted), &provided), "MPI_Init_thread");
  // Communicators made from these two inherit the handler.
  check(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  check(MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  // Some libraries offer more than was asked for; what the caller wanted is the limit.
  provided_ = std::min(wanted, from_mpi(provided));
}

Environment::~Environment() {
  if (std::uncaught_exceptions() > exceptions_at_start_) {
    MPI_Abort(MPI_COMM_WORLD, 1);
  }
  MPI_Finalize();
}

void Environment::abort(int code) {
  MPI_Abort(MPI_COMM_WORLD, code);
  std::abort();
}

std::string processor_name() {
  std::array<char, MPI_MAX_PROCESSOR_NAME> name{};
  int length = 0;
  check(MPI_Get_processor_name(name.data(), &length), "MPI_Get_processor_name");
  return {name.data(), static_cast<std::size_t>(length)};
}

std::string library_version() {
  std::array<char, MPI_MAX_LIBRARY_VERSION_STRING> version{};
  int length = 0;
  check(MPI_Get_library_version(version.data(), &length), "MPI_Get_library_version");
  std::string text(version.data(), static_cast<std::size_t>(length));
  while (!text.empty() && text.back() == '\0') {
    text.pop_back();
  }
  return text;
}

}  // namespace unroll::mpi
