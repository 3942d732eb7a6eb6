#include "pace.hpp"

#include <algorithm>

namespace unroll::schedule {
namespace {

constexpr double kUnmeasured = 2;

}  // namespace

void Pace::give(int rank, const std::string& pack_key, double cost, std::size_t num_items, double now_s) {
  in_hand_[rank].push_back({pack_key, cost, num_items, now_s});
}

void Pace::finish(int rank, double now_s) {
  std::deque<Given>& given = in_hand_[rank];
  if (given.empty() || --given.front().num_open > 0) {
    return;
  }
  const Given& chunk = given.front();
  double& slowest = slowest_[chunk.pack_key];
  slowest = std::max(slowest, (now_s - chunk.start_s) / chunk.cost);
  given.pop_front();
  if (!given.empty()) {
    given.front().start_s = now_s;
  }
}

double Pace::likely_s(const std::string& pack_key, double cost) const {
  const auto known = slowest_.find(pack_key);
  if (known != slowest_.end()) {
    return cost * known->second;
  }
  double slowest = slowest_.empty() ? kUnmeasured : 0;
  for (const auto& [key, ratio] : slowest_) {
    slowest = std::max(slowest, ratio);
  }
  return cost * slowest;
}

double Pace::busy_s(int rank, double now_s) const {
  const auto given = in_hand_.find(rank);
  if (given == in_hand_.end() || given->second.empty()) {
    return 0;
  }
  double busy_s = given->second.front().start_s - now_s;
  for (const Given& chunk : given->second) {
    busy_s += likely_s(chunk.pack_key, chunk.cost);
  }
  return std::max(busy_s, 0.0);
}

}  // namespace unroll::schedule
