#pragma once
// What one process sees of the machine it runs on: the cores and the memory that it may use, and what in its
// environment can get in the way. Plain values that cross between ranks as text.
#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace unroll::app {

struct Machine {
  int rank = 0;
  std::string host;
  std::string cpu_model;            // "AMD EPYC ..."
  std::set<int> cpus;               // hardware threads this process may run on (its affinity)
  std::set<int> cores;              // the cores that these belong to
  std::int64_t num_cpus = 0;        // hardware threads of the whole machine (of the job on it, where Slurm says)
  std::int64_t num_cores = 0;       // cores that these belong to
  double cpu_limit = 0;             // cores granted by the control group; 0: no limit
  std::int64_t memory_bytes = 0;    // of the machine or granted by the control group, for all ranks on it
  std::string numerics_key;         // of unroll-worker; "" where it does not run
  std::vector<std::string> gpus;    // of a worker with CUDA: its versions, then a line for each GPU that it sees
  std::set<std::string> variables;  // "NAME=value" of those that act on threads and instruction sets
};

/// Of this process.
[[nodiscard]] Machine this_machine(int rank);

/// One line a member, and back; an Error for text that is no such thing.
[[nodiscard]] std::string encode(const Machine& machine);
[[nodiscard]] Machine decode_machine(const std::string& text);

/// "0-3,8".
[[nodiscard]] std::string ranges(const std::set<int>& numbers);

}  // namespace unroll::app
