#pragma once
// What a rank does with a chunk of work: reads the stages it starts from, trains, commits, reports each item done.
//
// What fails in training (memory, a library's error) is tried again in halves of the chunk, down to one item; that one
// is recorded as failed, with its reason, and the study goes on. Errors of the disk, of the folder's owner and of
// messages between ranks are nobody's failure: they pass.
#include <functional>
#include <map>
#include <string>

#include "execute/tree_pack.hpp"
#include "unroll/schedule/schedule.hpp"
#include "unroll/store/cache.hpp"
#include "unroll/store/store.hpp"

namespace unroll::execute {

class ItemRunner {
 public:
  using Finish = std::function<void(std::size_t item, const std::string& digest)>;
  /// An item failed, for this reason, and that is committed. The digest for those that depend on it says so.
  using Fail = std::function<void(std::size_t item, const std::string& digest, const std::string& reason)>;

  /// items: of this attempt, which chunks name by their indices.
  ItemRunner(Context& context, std::vector<plan::Item> items, std::string folder, int rank, store::Writer& writer,
             Poll poll);
  /// Stopped passes through, with nothing of the chunk in hand but what was reported.
  void run(const schedule::Chunk& chunk, const Finish& finish, const Fail& fail);
  /// Pretrainings come from there and go there; outlives the runner.
  void use_cache(store::StageCache& cache) { cache_ = &cache; }
  /// Told of parts of a chunk that are tried again by themselves.
  using Try = std::function<void(const std::vector<std::size_t>& items)>;
  void on_try(Try tell) { tell_try_ = std::move(tell); }
  /// Training goes on from these, and is saved there; outlives the runner.
  void use_checkpoints(Checkpoints& checkpoints) { checkpoints_ = &checkpoints; }
  /// By Plan::models: those whose weights are kept for comparison groups.
  void keep_weights(std::vector<bool> models) { kept_models_ = std::move(models); }

 private:
  /// Between the steps of a chunk; before_save: what must be committed before a checkpoint is.
  [[nodiscard]] Between between(std::function<void()> before_save = {});
  [[nodiscard]] std::optional<SavedPart> saved(const std::string& id);
  /// Items of one kind and pack key.
  void run_items(const std::vector<std::size_t>& items, const Finish& finish);
  // item_failures.cpp
  /// The same, and what fails is tried again in halves.
  void run_or_divide(const std::vector<std::size_t>& items, const Finish& finish, const Fail& fail);
  /// What an item needs has failed: then so has the item. The others.
  [[nodiscard]] std::vector<std::size_t> without_orphans(const std::vector<std::size_t>& items, const Fail& fail);
  void record_failure(std::size_t item, const std::string& reason, const Fail& fail);
  /// Error when the device does not compute any more: then no item of this rank could.
  void check_device() const;
  void run_pretrainings(const std::vector<std::size_t>& items, const Finish& finish);
  /// Finishes the pretrainings that the cache holds; the others.
  [[nodiscard]] std::vector<std::size_t> take_cached(const std::vector<std::size_t>& items, const Finish& finish);
  void run_repeats(const std::vector<std::size_t>& items, const Finish& finish);
  void run_trees(const std::vector<std::size_t>& items, const Finish& finish);
  /// The digest that came with the chunk for an item's dependency.
  [[nodiscard]] const std::string& digest_of(std::size_t item, std::size_t dependency) const;
  /// run.share, of an item that is no pretraining.
  [[nodiscard]] bool shares(std::size_t item) const;
  [[nodiscard]] model::State start_of(std::size_t item);
  /// What a pretraining that the item depends on left.
  [[nodiscard]] model::State pretrained(std::size_t item, std::size_t pretraining);
  /// Those that the runs on the item's forks are scored by.
  void add_risk_tables(std::size_t item, RiskTables& tables);
  /// Parts of one tree that came in one chunk train M once.
  [[nodiscard]] std::vector<TreeStart> tree_starts(const std::vector<std::size_t>& items);
  [[nodiscard]] std::optional<hdf5::ArrayFile> repeat_of(std::size_t item, const model::State& start);
  /// A start for each checkpoint that forks of it go on from, and one for the others.
  [[nodiscard]] std::vector<TreeStart> by_checkpoints(TreeStart start);
  /// Models whose weights these forks of a tree leave, and M's.
  [[nodiscard]] std::vector<std::size_t> models_to_keep(const TreeStart& start) const;
  [[nodiscard]] record::TelemetryRow telemetry(const std::string& id, const char* kind, std::int64_t lanes,
                                               std::int64_t model_steps) const;

  Context& context_;
  std::vector<plan::Item> items_;
  std::string folder_;
  int rank_;
  store::Writer& writer_;
  store::StageCache* cache_ = nullptr;
  Checkpoints* checkpoints_ = nullptr;
  std::vector<bool> kept_models_;
  Poll poll_;
  Try tell_try_ = [](const std::vector<std::size_t>&) {};
  std::map<std::string, std::size_t> most_items_;  // by pack key: more of them do not fit into memory
  std::map<std::pair<std::size_t, std::size_t>, std::string> digests_;  // of the chunk in hand, (item, dependency)
  RiskTables risk_tables_;                                              // made so far
  double chunk_start_s_ = 0;
};

}  // namespace unroll::execute
