#pragma once
// What `unroll doctor` says of a machine and a job: what each rank may use, what is wrong with that, and how many ranks
// and threads to start. Pure: it is given what was seen.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "machine.hpp"

namespace unroll::app {

/// What a study asks of a rank.
struct Needs {
  std::string study;  // path
  std::int64_t threads = 1;
  double memory_per_rank_bytes = 0;
  bool has_convolutions = false;  // resnet18 or vgg19
};

/// Training steps a second of one convolutional model on all cores, divided in two ways.
struct Timing {
  std::string model;            // "resnet18, batch 32"
  std::int64_t num_cores = 0;   // n
  double steps_of_ranks = 0;    // n models at once, one thread each, all together
  double steps_of_threads = 0;  // one model on n threads
};

struct Job {
  std::vector<Machine> ranks;  // at least one
  std::string programs;        // "unroll 0.1.0, LibTorch 2.11.0, ..."
  std::string launcher;        // "mpirun", "srun" or "" when started alone
  std::string thread_level;    // of MPI: "MULTIPLE" ...; "" where MPI is not there
  bool is_root = false;
  std::vector<std::string> problems;  // found before
};

/// What is wrong, one sentence each.
[[nodiscard]] std::vector<std::string> findings(const Job& job, const std::optional<Needs>& needs);

/// Ranks of one thread that a host has room for.
struct Room {
  std::string host;
  std::int64_t by_cores = 1;
  std::int64_t by_memory = 0;  // 0: not known
  [[nodiscard]] std::int64_t ranks() const;
};
[[nodiscard]] std::vector<Room> rooms(const Job& job, const std::optional<Needs>& needs);

/// Lines of at most `width` characters; the last is the command to start with, whatever its length.
[[nodiscard]] std::string doctor_text(const Job& job, const std::optional<Needs>& needs,
                                      const std::optional<Timing>& timing, std::size_t width);

}  // namespace unroll::app
