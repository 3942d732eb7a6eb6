#include "execute/agree.hpp"

#include "unroll/base/error.hpp"

namespace unroll::execute {

std::string on_first_rank(const mpi::Communicator& world, const std::function<std::string()>& action) {
  std::string answer;
  if (world.rank() == 0) {
    try {
      answer.assign(1, '+').append(action());
    } catch (const UsageError& error) {
      answer.assign(1, '-').append(error.what());
    }
  }
  answer = world.broadcast(answer, 0);
  if (answer.front() == '-') {
    throw UsageError(answer.substr(1));
  }
  return answer.substr(1);
}

void on_every_rank(const mpi::Communicator& world, const std::function<void()>& check) {
  std::string error;
  try {
    check();
  } catch (const UsageError& usage) {
    error = usage.what();
  }
  for (const auto& other : world.all_gather(error)) {
    if (!other.empty()) {
      throw UsageError(other);
    }
  }
}

bool is_any_stopped(const mpi::Communicator& world, StopSource& stop) {
  for (const auto& reason : world.all_gather(stop.reason())) {
    if (!reason.empty()) {
      stop.request(reason);
      return true;
    }
  }
  return false;
}

}  // namespace unroll::execute
