#pragma once
// How long chunks take in this attempt, beside what their items were expected to cost. Pure: the clock is the caller's.
#include <cstddef>
#include <deque>
#include <map>
#include <string>

namespace unroll::schedule {

class Pace {
 public:
  /// A rank was given a chunk; it starts it when it has finished those before.
  void give(int rank, const std::string& pack_key, double cost, std::size_t num_items, double now_s);
  /// A rank finished an item of the chunk in its hand.
  void finish(int rank, double now_s);
  void leave(int rank) { in_hand_.erase(rank); }

  /// How long items of such a key and cost are likely to take: by the slowest chunk of that key so far, or of any key;
  /// before there is one, twice what was expected.
  [[nodiscard]] double likely_s(const std::string& pack_key, double cost) const;
  /// Until the rank has finished all that it was given, likely.
  [[nodiscard]] double busy_s(int rank, double now_s) const;

 private:
  struct Given {
    std::string pack_key;
    double cost = 0;
    std::size_t num_open = 0;
    double start_s = 0;
  };
  std::map<int, std::deque<Given>> in_hand_;
  std::map<std::string, double> slowest_;  // seconds a cost, by pack key
};

}  // namespace unroll::schedule
