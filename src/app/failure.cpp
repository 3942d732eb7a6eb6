#include "failure.hpp"

#include <algorithm>
#include <chrono>
#include <iostream>
#include <thread>

#include "ranks.hpp"

namespace unroll::app {
namespace {

constexpr std::chrono::seconds kTurn(4);  // mpirun ends the other ranks within two

}  // namespace

void say_failure(const std::string& reason) {
  std::string line = reason;
  std::replace(line.begin(), line.end(), '\n', ' ');
  const int rank = launched_rank();
  if (rank == 0) {
    std::cerr << "unroll: " + line + '\n' << std::flush;
    return;
  }
  std::this_thread::sleep_for(kTurn);
  std::cerr << "unroll: rank " + std::to_string(rank) + ": " + line + '\n' << std::flush;
}

std::string first_line(std::string_view message) { return std::string(message.substr(0, message.find('\n'))); }

}  // namespace unroll::app
