#pragma once
// One tree, or a part of its forks, inside a pack: it says what each of its lanes does at every step, lets methods and
// estimates watch M, and turns the states at measured steps into rows. The pack owns the weights and takes the steps
// (tree_pack.cpp).
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "execute/checkpoint.hpp"
#include "execute/checkpointed_error.hpp"
#include "execute/curvature_track.hpp"
#include "execute/fork_estimates.hpp"
#include "execute/fork_outputs.hpp"
#include "execute/moved_statistics.hpp"
#include "execute/pair_row.hpp"
#include "execute/privacy_risks.hpp"
#include "unroll/execute/context.hpp"
#include "unroll/hdf5/arrays.hpp"
#include "unroll/learn/lane_pack.hpp"
#include "unroll/record/rows.hpp"
#include "unroll/unlearn/forgotten_gradient.hpp"
#include "unroll/unlearn/unlearner.hpp"

namespace unroll::execute {

/// Takes a file of arrays that a run leaves beside its rows; path relative to the results folder.
using ArraySink = std::function<void(const std::string& path, const hdf5::ArrayFile& file)>;

/// Takes weights that comparison groups need: a flat array, called by store::kept_name.
using WeightSink = std::function<void(hdf5::Array weights)>;

class TreeRunner {
 public:
  /// forks: ascending; those that are trained and measured here, with their runs. start: w_0. repeat: for the control
  /// `none`, what the repeated training left (repeat.hpp).
  TreeRunner(Context& context, std::size_t tree, std::vector<std::size_t> forks, model::State start,
             std::optional<hdf5::ArrayFile> repeat, ArraySink sink);

  /// Gives the weights of these models (into Plan::models) to the sink when the clock stands at their steps.
  void keep(const std::vector<std::size_t>& models, WeightSink sink);

  /// Those that its runs are scored by.
  void use_risk_tables(RiskTables tables) { risk_tables_ = std::move(tables); }

  /// Forks that need a lane, in order of their first step; the pack gives each one with place().
  [[nodiscard]] std::vector<std::size_t> forks_with_lanes() const;
  [[nodiscard]] std::int64_t first_step(std::size_t fork) const;
  [[nodiscard]] learn::Hyper hyper() const { return hyper_; }
  [[nodiscard]] std::int64_t num_steps() const { return tree_.num_steps; }
  [[nodiscard]] const model::State& start() const { return start_; }
  /// noise.ulp, where runs are measured: M's twin trains in a lane of its own, on M's batches.
  [[nodiscard]] bool has_twin() const;
  [[nodiscard]] model::State twin_start() const;
  void place(std::int64_t original_lane, std::map<std::size_t, std::int64_t> fork_lanes,
             std::optional<std::int64_t> twin_lane);

  /// Where its clock stands: the next step to take; num_steps() + 1 at the end.
  [[nodiscard]] std::int64_t clock() const { return clock_; }
  [[nodiscard]] bool is_at(std::int64_t step) const { return clock_ == step && step <= num_steps(); }
  /// The clock stands at `step`: measures what is due.
  void at_clock(std::int64_t step, const learn::LanePack& pack);
  /// Before the pack takes step `step`: forks lanes that start now, and says what each lane does. None at the end.
  void before_step(std::int64_t step, learn::LanePack& pack, std::vector<learn::LaneStep>& steps);
  /// The clock goes on.
  void after_step(std::int64_t step, const learn::LanePack& pack);
  void count(const learn::LaneStep& step) { model_steps_ += step.action == learn::Action::train ? 1 : 0; }
  [[nodiscard]] std::int64_t model_steps() const { return model_steps_; }

  /// Between two steps, when its lanes are placed: all that it needs to go on, and back into a runner of the same tree
  /// with the same forks or some of them.
  [[nodiscard]] SavedPart save(learn::LanePack& pack);
  void load(SavedPart part, learn::LanePack& pack);

  /// Rows of all runs, when the last step was measured.
  [[nodiscard]] record::TreeRecord take_record();
  [[nodiscard]] double curvature_seconds() const;
  [[nodiscard]] double measure_seconds() const { return measure_seconds_; }

 private:
  struct ForkState {
    std::optional<plan::Order> fresh_order;  // retrain.kind = fresh
    bool is_control = false;
    ForgetCounts counts;
    std::optional<unlearn::Touch> touch;  // of the step being taken
    std::shared_ptr<unlearn::ForgottenGradient> gradient;
    std::map<std::string, std::unique_ptr<unlearn::Unlearner>> unlearners;             // by canonical [unlearn]
    std::vector<unlearn::Unlearner*> followers;                                        // those told of every step
    std::map<std::pair<std::size_t, bool>, std::unique_ptr<ForkEstimates>> estimates;  // by track and one_hvp
    std::optional<MovedStatistics> moved;  // where a run asks for unlearn.statistics = moved
  };
  struct RunState {
    const plan::Run* run = nullptr;
    std::vector<std::int64_t> steps;  // measured, ascending
    std::size_t track = 0;
    unlearn::Unlearner* unlearner = nullptr;
    ForkEstimates* estimates = nullptr;
    CheckpointedError* checkpointed = nullptr;
    EvaluationRows evaluation;
    std::vector<hdf5::Array> logits;
    std::string status = "ok", reason;
  };
  /// The models of one run at one step.
  struct Models {
    model::State original, retrained;
    model::State left;         // M with the BatchNorm statistics that the method leaves
    torch::Tensor correction;  // double [P]
    [[nodiscard]] model::State unlearned() const;
  };

  void transfer(PartTransfer& values, learn::LanePack& pack);
  void transfer_fork(PartTransfer& values, std::size_t fork, learn::LanePack& pack);
  void transfer_run(PartTransfer& values, RunState& run);
  [[nodiscard]] const std::string& track_text(std::size_t track) const;
  [[nodiscard]] double last_lr(std::int64_t clock) const { return hyper_.lr_at(clock > 0 ? clock - 1 : 0); }
  [[nodiscard]] static bool moves_statistics(const config::Settings& settings);
  [[nodiscard]] bool is_here(const plan::Run& run) const;
  void add_run(const plan::Run& run);
  [[nodiscard]] std::shared_ptr<unlearn::ForgottenGradient> gradient_of(const config::Settings& settings) const;
  /// The gradient that a run's method adds back: the fork's own, or of unlearn.gradient_of.
  [[nodiscard]] std::shared_ptr<unlearn::ForgottenGradient> added_back(const config::Settings& settings,
                                                                       ForkState& fork) const;
  [[nodiscard]] std::size_t track_for(const plan::Run& wanted);
  [[nodiscard]] std::optional<unlearn::Touch> touch_of(const plan::Fork& fork, std::int64_t step,
                                                       const std::vector<std::int64_t>& rows) const;
  [[nodiscard]] unlearn::Original original_of(const learn::LanePack& pack) const;
  void tell(std::size_t fork, std::int64_t step, const std::vector<std::int64_t>& rows, const learn::LanePack& pack,
            double rates_after);
  [[nodiscard]] learn::LaneStep lane_step(std::size_t fork, std::int64_t step,
                                          const std::shared_ptr<const std::vector<std::int64_t>>& rows) const;
  [[nodiscard]] model::State retrained_state(std::size_t fork, std::int64_t step, const learn::LanePack& pack) const;
  void measure_noise(std::int64_t step, const learn::LanePack& pack);
  [[nodiscard]] torch::Tensor weights_of(const plan::Model& model, std::int64_t step,
                                         const learn::LanePack& pack) const;
  [[nodiscard]] Models models_of(const RunState& run, std::int64_t step, const learn::LanePack& pack) const;
  void measure(RunState& run, std::int64_t step, const learn::LanePack& pack);
  [[nodiscard]] PairRisks pair_risks(const RunState& run, const Models& models, const Scores& unlearned);
  void measure_outputs(RunState& run, const Models& models, record::PairRow& row, Undefined& undefined);
  struct Evaluated {
    Outputs logits;
    Scores scores;
  };
  /// What a model says on a run's sets at the current clock, computed once for all runs that share it.
  [[nodiscard]] const Evaluated& evaluated(const char* model, const RunState& run, const model::State& state);
  /// M's means on a run's sets; M is evaluated once a clock.
  [[nodiscard]] Predictions original_predictions(const RunState& run, const model::State& original);
  void keep_arrays(RunState& run, const Models& models, std::int64_t step);

  Context& context_;
  const plan::Plan& plan_;
  const plan::Tree& tree_;
  std::shared_ptr<const model::Network> network_;
  std::shared_ptr<const data::ResidentData> data_;
  model::State start_;
  std::optional<hdf5::ArrayFile> repeat_;
  learn::Hyper hyper_;
  plan::Order order_;
  std::int64_t original_lane_ = 0;
  std::optional<std::int64_t> twin_lane_;
  std::int64_t original_steps_ = 0;  // until here M is needed
  std::vector<const plan::Model*> kept_models_;
  WeightSink weight_sink_;
  RiskTables risk_tables_;
  std::map<std::size_t, std::int64_t> fork_lanes_;
  std::vector<std::unique_ptr<CurvatureTrack>> tracks_;
  std::map<std::string, std::size_t> track_of_;  // by the keys and seed that act on curvature
  std::map<std::pair<std::size_t, std::int64_t>, CheckpointedError> checkpointed_;  // by track and checkpoint_every
  std::vector<std::size_t> forks_here_;                                             // ascending
  std::vector<ForkState> forks_;  // by fork of the tree; those that are not here stay empty
  std::vector<RunState> runs_;
  double rates_ = 0;                            // S_t: sum of the rates of the steps taken
  std::optional<PoolScores> pool_;              // of M at the current clock
  std::map<std::string, Evaluated> evaluated_;  // at the current clock, by model, fork and rows
  std::shared_ptr<const std::vector<std::int64_t>> finetune_rows_;
  std::set<std::string> kept_;  // files written
  ArraySink sink_;
  record::TreeRecord record_;
  double measure_seconds_ = 0;
  std::int64_t clock_ = 0;
  std::int64_t model_steps_ = 0;  // trained
};

}  // namespace unroll::execute
