#pragma once
// What the sources of this module share: the check behind every MPI call, and the opaque handle.
#include <mpi.h>

#include <cstdint>
#include <cstring>
#include <source_location>

namespace unroll::mpi {

/// Throws Error with file, line, call and MPI's own words unless code is MPI_SUCCESS.
void check(int code, const char* call, std::source_location where = std::source_location::current());

// MPI_Comm is a pointer in Open MPI and an int in MPICH.
static_assert(sizeof(MPI_Comm) <= sizeof(std::uintptr_t));

inline std::uintptr_t to_handle(MPI_Comm communicator) {
  std::uintptr_t handle = 0;
  std::memcpy(&handle, &communicator, sizeof communicator);
  return handle;
}

inline MPI_Comm to_comm(std::uintptr_t handle) {
  MPI_Comm communicator{};
  std::memcpy(&communicator, &handle, sizeof communicator);
  return communicator;
}

}  // namespace unroll::mpi
