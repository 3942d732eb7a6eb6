#include "failure.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <thread>

#include "ranks.hpp"

namespace unroll::app {
namespace {

constexpr std::chrono::seconds kTurn(4);  // mpirun ends the other ranks within two

std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

}  // namespace

void say_failure(const std::string& reason) {
  const std::string line = one_line(reason);
  const int rank = launched_rank();
  if (rank == 0) {
    std::cerr << "unroll: " + line + '\n' << std::flush;
    return;
  }
  std::this_thread::sleep_for(kTurn);
  std::cerr << "unroll: rank " + std::to_string(rank) + ": " + line + '\n' << std::flush;
}

void say_notice(const std::string& line, int rank) {
  const std::string over_progress = isatty(STDERR_FILENO) == 1 ? "\r\x1b[K" : "";
  const std::string speaker = rank == 0 ? "unroll: " : "unroll: rank " + std::to_string(rank) + ": ";
  std::cerr << over_progress + speaker + one_line(line) + '\n' << std::flush;
}

std::string first_line(std::string_view message) { return std::string(message.substr(0, message.find('\n'))); }

}  // namespace unroll::app
