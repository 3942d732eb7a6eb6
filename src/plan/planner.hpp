#pragma once
// The planner at work: what it has made so far, and each pretraining, tree and fork found again by its id.
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "facts.hpp"
#include "orders.hpp"
#include "unroll/plan/plan.hpp"

namespace unroll::plan {

/// What makes a fork of a tree; equal keys are equal ids.
struct ForkKey {
  std::size_t tree = 0;
  std::size_t forget_set = 0;
  std::size_t retrain = 0;  // number of the [retrain] text
  bool operator==(const ForkKey&) const = default;
};
struct HashForkKey {
  std::size_t operator()(const ForkKey& key) const {
    return std::hash<std::size_t>{}((key.tree * 0x9E3779B97F4A7C15u + key.forget_set) * 0x9E3779B97F4A7C15u +
                                    key.retrain);
  }
};
inline constexpr std::size_t kRepeat =
    static_cast<std::size_t>(-1);  // in the place of a forget set: M is trained again

/// own: as order.kind says; shuffled: whatever it says, by the order seed.
enum class Ordering { own, shuffled };

class Planner {
 public:
  Planner(const config::Study& study, const Sources& sources);
  Plan make();

 private:
  void next_seed();
  void plan_run(std::size_t cell, std::size_t seed);
  std::size_t pretraining_of(std::size_t cell, const Seeds& seeds, const OrderContext& context, std::size_t forget_set);
  std::size_t tree_of(std::size_t cell, const Seeds& seeds, std::size_t pretraining, Ordering ordering);
  /// retrain: text of the [retrain] keys.
  std::size_t fork_of(std::size_t cell, std::size_t tree, const ResolvedForget& forget, const std::string& retrain);
  /// The shadow model of a run, where its cell asks for one; start: the pretraining of its w_0.
  std::optional<std::size_t> shadow_of(std::size_t cell, const Seeds& seeds, std::size_t start);
  std::string run_id_of(const Run& run, const Seeds& seeds) const;
  [[noreturn]] void refuse_equal_seeds(std::size_t cell) const;
  void check_gradient_rows(const config::Settings& cell, std::int64_t num_rows) const;

  // noise.cpp
  void plan_groups();
  void plan_group(std::size_t run);
  void add_repeats(Group& group);
  void add_orders(Group& group);
  void add_inits(Group& group);
  /// M' once more, on a tree that may be the run's own; what is in the group already is not added again.
  void add_retrain(Group& group, MemberKind kind, std::int64_t seed, std::size_t tree, const ResolvedForget& forget,
                   const std::string& retrain);
  void add_member(Group& group, MemberKind kind, std::int64_t seed, Model model);
  std::size_t again(std::size_t tree, std::size_t number);

  const config::Study& study_;
  const Sources& sources_;
  Plan plan_;
  std::vector<CellFacts> facts_;
  std::map<std::string, std::string> init_hashes_;  // of init.file, by path
  Orders orders_{study_, facts_, plan_};
  Digests digests_;  // of the seed at hand
  std::unordered_map<std::string, std::size_t> pretraining_index_, tree_index_;
  std::unordered_map<ForkKey, std::size_t, HashForkKey> fork_index_;  // into Tree::forks
  std::unordered_map<std::string, std::size_t> retrain_numbers_;      // by text
  std::unordered_map<std::string, std::size_t> model_index_;          // by id
};

}  // namespace unroll::plan
