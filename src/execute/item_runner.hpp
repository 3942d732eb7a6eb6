#pragma once
// What a rank does with a chunk of work: reads the stages it starts from, trains, commits, reports each item done.
#include <functional>
#include <string>

#include "execute/tree_pack.hpp"
#include "unroll/schedule/schedule.hpp"
#include "unroll/store/cache.hpp"
#include "unroll/store/store.hpp"

namespace unroll::execute {

class ItemRunner {
 public:
  using Finish = std::function<void(std::size_t item, const std::string& digest)>;

  /// items: of this attempt, which chunks name by their indices.
  ItemRunner(Context& context, std::vector<plan::Item> items, std::string folder, int rank, store::Writer& writer,
             Poll poll);
  void run(const schedule::Chunk& chunk, const Finish& finish);
  /// Pretrainings come from there and go there; outlives the runner.
  void use_cache(store::StageCache& cache) { cache_ = &cache; }
  /// Training goes on from these, and is saved there; outlives the runner.
  void use_checkpoints(Checkpoints& checkpoints) { checkpoints_ = &checkpoints; }
  /// By Plan::models: those whose weights are kept for comparison groups.
  void keep_weights(std::vector<bool> models) { kept_models_ = std::move(models); }

 private:
  /// Between the steps of a chunk; before_save: what must be committed before a checkpoint is.
  [[nodiscard]] Between between(std::function<void()> before_save = {});
  [[nodiscard]] std::optional<SavedPart> saved(const std::string& id);
  void run_items(const schedule::Chunk& chunk, const Finish& finish);
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
  std::map<std::pair<std::size_t, std::size_t>, std::string> digests_;  // of the chunk in hand, (item, dependency)
  double chunk_start_s_ = 0;
};

}  // namespace unroll::execute
