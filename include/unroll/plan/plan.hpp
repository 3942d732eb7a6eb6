#pragma once
// From a study and the description of its data to everything that would run, as plain values and ids. Pure and
// offline: no MPI, GPU, LibTorch, clock or file.
//
//   run    one cell with one seed: rows of the results, one a measured step
//   stage  training named by the hash of all that its outcome depends on: pretraining, M (original), M' (retrained)
//   tree   one M with every M' that forks from it and every run measured on them
//   item   what a rank takes: a pretraining, a repeat (M trained again for the control `none`), or a tree
//
// Equal stage ids mean equal training, so each stage appears once. Ids are SHA-256 of canonical text; they hold no
// numerics key (that is one for a whole results folder, and stored with it).
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "unroll/config/study.hpp"
#include "unroll/dataset/dataset.hpp"
#include "unroll/dataset/files.hpp"
#include "unroll/plan/order.hpp"

namespace unroll::plan {

struct Seeds {
  std::uint64_t split = 0, init = 0, pretrain_order = 0, order = 0, eval = 0;
};

/// What is forgotten, resolved against one order and split (DESIGN 4.2).
struct ForgetSet {
  std::vector<std::int64_t> rows;            // training rows, ascending; empty for step, none and ghost
  std::optional<std::int64_t> skipped_step;  // kind = step: this step is skipped and nothing else
  std::int64_t num_ghosts = 0;               // kind = ghost: so many rows that are never drawn
  std::string hash;                          // over kind and rows (or step)
};

/// start: of w_0; shadow: a model of the same kind by which privacy risks are scored ([prs]), trained from an
/// initialisation of its own on rows of its own.
enum class PretrainingUse { start, shadow };

struct Pretraining {
  std::string id;
  std::size_t cell = 0;  // a cell whose data, model, pretrain (or prs), loss settings apply
  Seeds seeds;
  std::int64_t num_steps = 0;                 // 0: w_0 is the initialisation or init.file
  std::optional<std::size_t> forget_set;      // rows left out of it (on = retain)
  std::vector<std::int64_t> dropped_classes;  // on = split with forget.kind = class
  PretrainingUse use = PretrainingUse::start;
};

/// What a shadow model is trained on, and the rows that it is not: ascending rows of the training or the test part.
struct ShadowRows {
  struct Side {
    bool is_test = true;
    std::vector<std::int64_t> rows;
  };
  Side members, others;
};

/// One M' of a tree, with runs that are measured on it, or for a noise floor, or both: the same order without the
/// forget set. Its stage depends on M's, on F and on the retrain settings that act; with kind = none it is the repeat
/// of M, whatever the other settings.
struct Fork {
  std::string id;                     // stage id of M'
  std::size_t cell = 0;               // a cell whose retrain settings apply
  std::size_t forget_set = 0;         // into Plan::forget_sets
  std::optional<std::size_t> repeat;  // kind = none: M' is this item's model, trained in another pack and rank
  /// First step at which M' departs from M; the tree's num_steps if never (none, ghost, or F comes later); 0 for
  /// retrain.kind = fresh.
  std::int64_t first_touch = 0;
  /// First step whose batch holds an example of F, whatever is measured; -1 if none of the first epoch's does.
  std::int64_t first_draw = -1;
  double cost_s = 0;  // estimated work that it adds to a tree: M' and the measures of its runs
};

struct Run {
  std::string id;  // names rows, weights and logits files
  std::size_t cell = 0;
  std::size_t seed = 0;  // index into Study::seeds
  std::size_t tree = 0;
  std::size_t fork = 0;                 // index into Tree::forks
  std::optional<std::size_t> shadow{};  // into Plan::pretrainings: by which its models' privacy risks are scored
};

struct Tree {
  std::string id;        // stage id of M
  std::size_t cell = 0;  // a cell whose data, model, order, train and loss settings apply
  Seeds seeds;
  std::size_t pretraining = 0;
  std::int64_t num_steps = 0;       // M is trained so far: the largest step measured by its runs
  std::int64_t schedule_steps = 0;  // steps of the whole training that its cells ask for (the end of a cosine)
  std::vector<Fork> forks;
  std::vector<std::size_t> runs;  // into Plan::runs, in plan order
  double trunk_cost_s = 0;        // estimated work of M and its curvature: paid by every part of a tree that is split
  bool is_shuffled = false;       // an order of its own for a noise floor: shuffled, whatever order.kind says
  std::size_t again = 0;          // the how manyth repeat of a tree for floor (i): each M' trains from w_0; 0: none
  std::optional<std::size_t> again_of{};  // that tree
  std::vector<std::size_t> models{};      // into Plan::models: whose weights are kept
};

/// A model whose weights stay in DIR/weights until the groups that need them are compared.
struct Model {
  std::string id;  // of its stage; of the run for an M''
  std::size_t tree = 0;
  std::optional<std::size_t> fork;  // M' of that fork; none: M of the tree
  std::optional<std::size_t> run;   // M'' of that run, whose fork is `fork`
  std::vector<std::int64_t> steps;  // ascending
};

/// unlearned: M''; retrained: M'; the others: M' trained again, in another order, from another w_0.
enum class MemberKind { unlearned, retrained, repeat, order, init };
struct Member {
  MemberKind kind = MemberKind::unlearned;
  std::size_t model = 0;   // into Plan::models
  std::int64_t seed = -1;  // of the order or the w_0; the how manyth repeat; -1 for M'' and M'
};

/// A comparison group: a run's M'' and M' with the retrains that its noise floors are taken over.
struct Group {
  std::string id;
  std::size_t run = 0;
  std::vector<std::int64_t> steps;  // compared at, ascending
  std::vector<Member> members;      // M'', M', repeats, orders, inits; no model twice
};

/// A pretraining without steps is no item: whoever needs its w_0 initialises it.
enum class ItemKind { pretraining, repeat, tree };

struct Item {
  ItemKind kind = ItemKind::tree;
  std::size_t index = 0;                // into pretrainings, or trees (for repeat: the tree whose M is trained again)
  std::vector<std::size_t> depends;     // items that must be finished first
  std::optional<std::size_t> not_with;  // prefer another rank than the one that took this item (control `none`)
  std::string pack_key;                 // items of one key may share a pack: same kind, inputs, shape, dtype
  std::int64_t num_lanes = 1;           // models trained side by side
  std::vector<std::size_t> forks{};     // in an Attempt (attempt.hpp): those of the tree that are measured here
  double cost_s = 0;                    // estimated work of the item: seconds of one core (src/plan/README.md)
  double critical_s = 0;                // its cost plus that of the longest chain that waits for it
};

struct Totals {
  std::int64_t model_steps_asked = 0;    // every run trained by itself: pretraining + M + M'
  std::int64_t model_steps_trained = 0;  // what the items train (sharing and forks)
  double flop = 0;
  double cost_s = 0;                 // of one core like the one that rates were measured on
  double memory_per_rank_bytes = 0;  // largest pack + data set
  double spare_memory_bytes = 0;     // what a rank has beyond; 0: none, or its limit is not known
  double disk_bytes = 0;             // results, stages, weights, logits
  double kept_weights_bytes = 0;     // of those: DIR/weights until groups are compared
  double checkpoint_bytes = 0;       // at most, of one rank's checkpoint (two while one is replaced); 0: none are made
  double comparison_bytes = 0;       // memory to compare the largest group on one rank; more ranks share its rows
  double comparison_s = 0;           // of cost_s: comparing groups
  std::int64_t num_measured_rows = 0;  // of the results: runs times measured steps
  std::int64_t lanes_per_pack = 1;     // that memory was estimated for
  // How many M this study would train with each pretrain.on: what sharing across forget sets costs or saves.
  std::int64_t num_originals_split = 0, num_originals_retain = 0, num_originals_all = 0;
};

/// Where inputs of the plan come from; called once for each distinct value.
struct Sources {
  std::function<dataset::Description(const config::Settings::Data&)> describe;
  std::function<dataset::OrderTable(const std::string& path, std::int64_t num_train)> order_file;
  std::function<std::vector<std::int64_t>(const std::string& path, std::int64_t num_rows)> rows_file;
  std::function<std::string(const std::string& path)> file_hash;
  std::int64_t memory_limit_bytes = 0;  // of one rank; 0: unknown, nothing is checked
};

struct Plan {
  std::vector<config::Settings> cells;
  std::vector<std::int64_t> seeds;
  std::vector<std::shared_ptr<const dataset::Description>> descriptions;  // one a distinct [data]
  std::vector<std::size_t> description_of_cell;
  std::vector<ForgetSet> forget_sets;
  std::vector<Pretraining> pretrainings;
  std::vector<Tree> trees;
  std::vector<Run> runs;    // plan order: cell major, then seed
  std::vector<Item> items;  // pretrainings, repeats, trees
  std::vector<Model> models;
  std::vector<Group> groups;  // in the order of their runs
  Totals totals;
  std::string id;  // hash of the scientific text and the data

  // What the trainer asks, so that planner and trainer cannot disagree:
  [[nodiscard]] Order order_of(const Tree& tree) const;                // M's order
  [[nodiscard]] Order order_of(const Pretraining& pretraining) const;  // requires num_steps > 0
  /// M' order: M's own for coupled, re-batched rows that are left for fresh.
  [[nodiscard]] Order order_of(const Tree& tree, const Fork& fork) const;
  /// Rows of the fine-tuning part (ascending): all that M may draw.
  [[nodiscard]] std::shared_ptr<const std::vector<std::int64_t>> finetune_rows(const Tree& tree) const;
  /// Rows that pretraining may draw (ascending); empty when there is none.
  [[nodiscard]] std::shared_ptr<const std::vector<std::int64_t>> pretrain_rows(const Pretraining& pretraining) const;
  /// Which rows the features of a tree or pretraining with this w_0 are fitted on, as text; "" where none are. Models
  /// of equal texts (and data) see equal inputs. The rows are pretrain_rows: the id of w_0 holds all that they depend
  /// on.
  [[nodiscard]] std::string feature_fit(const Pretraining& pretraining) const;
  [[nodiscard]] const dataset::Description& description(std::size_t cell) const {
    return *descriptions[description_of_cell[cell]];
  }
  /// prs.shadow = test: the first half of the test rows (the larger one) and the other; train: the first half of the
  /// training rows, and that of the test rows.
  [[nodiscard]] ShadowRows shadow_rows(const Pretraining& shadow) const;
  /// The pretrainings that a tree needs: w_0's first, then the shadow models of its runs, none twice.
  [[nodiscard]] std::vector<std::size_t> pretrainings_of(const Tree& tree) const;
  /// The seeds of a run. Runs of one tree may differ in eval, which starts eigenvalue solvers and trains nothing.
  [[nodiscard]] Seeds seeds_of(const Run& run) const;
  /// Steps of M that anything needs: all where runs are measured or its own weights are kept, else until its last fork.
  [[nodiscard]] std::int64_t trunk_steps(const Tree& tree) const;
  /// Steps of the whole training that a cell asks for.
  [[nodiscard]] std::int64_t total_steps(std::size_t cell) const;
  /// Steps (ascending, each in [0, num_steps of M]) at which a run is measured.
  [[nodiscard]] std::vector<std::int64_t> measured_steps(const Run& run) const;

  std::map<std::string, std::shared_ptr<const dataset::OrderTable>> order_tables;  // by path
  std::map<std::string, std::vector<std::int64_t>> row_lists;                      // by path (forget.file, hessian)
};

/// The split is by the rank of RandomStream(split seed, "split").bits(0, row): the first round(fraction * num_train)
/// rows pretrain, the others are the fine-tuning part. Throws UsageError, with the place of the key, for what only the
/// data can tell: a forget batch beyond the order, a class that is not there, a split that leaves nothing, seeds that
/// change nothing, lanes that do not fit.
[[nodiscard]] Plan make_plan(const config::Study& study, const Sources& sources);

/// Number of parameters and of forward multiply-adds an example, and activation elements an example, of a model:
/// by arithmetic, for costs and memory. The model module's tests hold it to the real networks. UsageError: images of a
/// size the network cannot take (resnet18: 25 to 32 pixels a side, vgg19: 32 to 63).
struct ModelSize {
  std::int64_t num_parameters = 0;
  std::int64_t num_buffers = 0;
  double forward_mac = 0;
  double activations = 0;
};
[[nodiscard]] ModelSize model_size(const config::Settings::Model& model, const std::vector<std::int64_t>& input_shape,
                                   std::int64_t num_classes);

/// What the graph of a gradient, from which Hessian-vector products are taken, holds for one example.
[[nodiscard]] double gradient_graph_bytes(const config::Settings::Model& model, const ModelSize& size);

/// Lanes that one call folds at most: run.lanes, or by default 64 for networks that fold and 1 for those that do not on
/// CPUs.
[[nodiscard]] std::int64_t max_lanes(const config::Settings& cell);

}  // namespace unroll::plan
