#pragma once
// What the preloaded fault library was asked for, by environment variables (set by faults.py):
//
//   UNROLL_FAULTS_FOLDER   operations on this path and below it count; all else is left alone
//   UNROLL_FAULTS_PROGRAM  only in programs whose name starts so (mpirun and its helpers load the library too)
//   UNROLL_FAULTS_RANK     only on this rank (OMPI_COMM_WORLD_RANK; without it a process is rank 0)
//   UNROLL_FAULTS_OPS      only operations with these names, "rename,fsync"; default: all that change the file system
//   UNROLL_FAULTS_PATH     only operations on paths that hold this text
//   UNROLL_FAULTS_AT       the n-th operation of the rank that counts (1, 2, ...) is the one
//   UNROLL_FAULTS_COUNT    so many from the n-th on (default: all that follow)
//   UNROLL_FAULTS_KIND     exit: the process ends before it; half: after half of the bytes of a write, else before it;
//                          EIO, EROFS, EDQUOT, ENOSPC: it fails so; nosync: fsync and fdatasync do nothing, at any n
//   UNROLL_FAULTS_MARK     a file that is made when the first fault happens, with one line about it
//   UNROLL_FAULTS_RECORD   a folder: every operation is appended to <rank>-<pid>.log there
//
// A recording is, for each operation that was tried, in the order of one process:
//   "<start ns> <end ns> <operation> <descriptor> <flags> <result> <bytes> <path>[\t<second path>]\n" and its bytes
// (CLOCK_MONOTONIC; result: bytes written, descriptor or 0; -errno on failure).
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace unroll::faults {

enum class Kind { none, exit, half, error, nosync };

/// The exit code of a process that a fault ended.
inline constexpr int kExitCode = 86;

struct Request {
  std::string folder;  // absolute; empty: the library does nothing
  bool is_other_rank = false;
  std::vector<std::string> operations;
  std::string path_part;
  std::int64_t at = 0;  // 0: never
  std::int64_t count = INT64_MAX;
  Kind kind = Kind::none;
  int error_code = 0;
  std::string mark;
  std::string record;
  int rank = 0;
};

/// From the environment of this process; a value that is not known ends it with a message.
[[nodiscard]] Request read_request();

/// One operation, as it is about to be done.
struct Operation {
  std::string_view name;
  std::string path;
  std::string second_path;
  int descriptor = -1;
  std::int64_t flags = 0;  // of open; the size of ftruncate; the offset of pwrite
  const void* bytes = nullptr;
  std::size_t size = 0;
};

/// Below the folder of the request.
[[nodiscard]] bool is_inside(const Request& request, std::string_view path);
/// It is one of those that are counted.
[[nodiscard]] bool counts(const Request& request, const Operation& operation);

}  // namespace unroll::faults
