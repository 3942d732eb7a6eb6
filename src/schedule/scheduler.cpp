#include <algorithm>
#include <utility>

#include "role.hpp"
#include "unroll/base/error.hpp"

namespace unroll::schedule {

void Outbox::post(int destination, int tag, std::vector<std::byte> bytes) {
  sends_.push_back(communicator_.post(destination, tag, std::move(bytes)));
}

bool Outbox::flush() {
  std::erase_if(sends_, [](mpi::PendingSend& send) { return send.finished(); });
  return sends_.empty();
}

Scheduler::Scheduler(const mpi::Communicator& world, std::vector<WorkItem> items, Options options) {
  mpi::Communicator own = world.duplicate();
  const std::string here = std::to_string(items.size()), at_leader = own.broadcast(here, 0);
  if (here != at_leader) {
    throw Error("this rank knows " + here + " items of work, rank 0 " + at_leader + ": their inputs differ");
  }
  if (own.rank() == 0) {
    role_ = std::make_unique<Leader>(std::move(own), std::move(items), std::move(options));
  } else {
    role_ = std::make_unique<Worker>(std::move(own), std::move(options));
  }
}

Scheduler::~Scheduler() = default;

Chunk Scheduler::next() { return role_->next(); }
void Scheduler::finish(std::size_t item, const std::string& digest) { role_->finish(item, digest, false); }
void Scheduler::fail(std::size_t item, const std::string& digest) { role_->finish(item, digest, true); }
void Scheduler::poll() { role_->poll(); }
std::string Scheduler::stop_reason() const { return role_->stop_reason(); }

}  // namespace unroll::schedule
