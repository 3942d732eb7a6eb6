// The training side of a tree: who takes which rows at which step, and who is told.
#include "execute/tree_runner.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "unroll/base/error.hpp"
#include "unroll/config/keys.hpp"

namespace unroll::execute {
namespace {

std::string canonical(const config::Settings& settings, std::string_view section) {
  const std::string_view names[] = {section};
  return config::canonical_text(settings, names);
}

/// What M' does at a step without rows.
learn::Action skip_of(const config::Settings& settings) {
  if (settings.retrain.skip == config::Skip::freeze) {
    return learn::Action::freeze;
  }
  return settings.train.l2_in == config::L2In::loss ? learn::Action::drift : learn::Action::coast;
}

}  // namespace

TreeRunner::TreeRunner(Context& context, std::size_t tree, std::vector<std::size_t> forks, model::State start,
                       std::optional<hdf5::ArrayFile> repeat, ArraySink sink)
    : context_(context),
      plan_(context.plan()),
      tree_(plan_.trees[tree]),
      network_(context.network(tree_.cell)),
      data_(context.data(tree_)),
      start_(start.on(context.device())),
      repeat_(std::move(repeat)),
      order_(plan_.order_of(tree_)),
      forks_here_(std::move(forks)),
      finetune_rows_(plan_.finetune_rows(tree_)),
      sink_(std::move(sink)) {
  hyper_ = learn::hyper_of(context.cell(tree_.cell), tree_.schedule_steps, order_.steps_per_epoch());
  forks_.resize(tree_.forks.size());
  for (const auto i : forks_here_) {
    const auto& fork = tree_.forks[i];
    forks_[i].is_control = fork.repeat.has_value() || plan_.forget_sets[fork.forget_set].num_ghosts > 0;
    if (context.cell(fork.cell).retrain.kind == config::RetrainKind::fresh) {
      forks_[i].fresh_order = plan_.order_of(tree_, fork);
    }
  }
  for (const auto index : tree_.runs) {
    if (is_here(plan_.runs[index])) {
      add_run(plan_.runs[index]);
    }
  }
  original_steps_ = runs_.empty() ? 0 : tree_.num_steps;
  for (const auto i : forks_here_) {
    original_steps_ = std::max(original_steps_, first_step(i));
  }
}

bool TreeRunner::is_here(const plan::Run& run) const {
  return std::binary_search(forks_here_.begin(), forks_here_.end(), run.fork);
}

std::size_t TreeRunner::track_for(const plan::Run& wanted) {
  const auto key_of = [&](const plan::Run& run) {
    return curvature_text(context_.cell(run.cell)) + "seed.eval=" + std::to_string(plan_.seeds_of(run).eval);
  };
  const auto text = key_of(wanted);
  const auto known = track_of_.find(text);
  if (known != track_of_.end()) {
    return known->second;
  }
  std::set<std::int64_t> steps;
  for (const auto index : tree_.runs) {
    if (is_here(plan_.runs[index]) && key_of(plan_.runs[index]) == text) {
      const auto measured = plan_.measured_steps(plan_.runs[index]);
      steps.insert(measured.begin(), measured.end());
    }
  }
  tracks_.push_back(std::make_unique<CurvatureTrack>(context_, tree_, wanted, std::move(steps)));
  return track_of_[text] = tracks_.size() - 1;
}

bool TreeRunner::moves_statistics(const config::Settings& settings) {
  return config::find_key("unlearn.statistics")->acts.holds(settings) &&
         settings.unlearn.statistics == config::GradientStatistics::moved;
}

void TreeRunner::add_run(const plan::Run& run) {
  const auto& settings = context_.cell(run.cell);
  auto& fork = forks_[run.fork];
  RunState state;
  state.run = &run;
  state.steps = plan_.measured_steps(run);
  state.track = track_for(run);
  auto& gradient = fork.gradient;
  gradient = gradient ? gradient : gradient_of(settings);
  if (moves_statistics(settings)) {
    fork.moved.emplace();
  }
  auto& unlearner = fork.unlearners[canonical(settings, "unlearn.")];
  if (!unlearner) {
    unlearner = unlearn::make_unlearner(settings, start_, added_back(settings, fork));
    if (unlearner->follows()) {
      fork.followers.push_back(unlearner.get());
    }
  }
  state.unlearner = unlearner.get();
  auto& estimates = fork.estimates[{state.track, settings.measure.one_hvp}];
  if (!estimates) {
    estimates = std::make_unique<ForkEstimates>(gradient, start_, settings.measure.one_hvp);
  }
  state.estimates = estimates.get();
  if (settings.unlearn.rule == config::UnlearnRule::checkpoint) {
    const auto every = settings.unlearn.checkpoint_every;
    state.checkpointed = &checkpointed_.try_emplace({state.track, every}, every).first->second;
  }
  if (settings.measure.outputs || settings.output.logits) {
    state.evaluation = evaluation_rows(plan_, tree_, tree_.forks[run.fork], settings);
  }
  runs_.push_back(std::move(state));
}

std::shared_ptr<unlearn::ForgottenGradient> TreeRunner::gradient_of(const config::Settings& settings) const {
  return std::make_shared<unlearn::ForgottenGradient>(network_, data_, settings, start_, order_.steps_per_epoch(),
                                                      order_.batch_size());
}

std::shared_ptr<unlearn::ForgottenGradient> TreeRunner::added_back(const config::Settings& settings,
                                                                   ForkState& fork) const {
  const auto count = settings.unlearn.gradient_of_last;
  if (count == 0) {
    return fork.gradient;
  }
  auto other = gradient_of(settings);
  other->take_instead({finetune_rows_->end() - count, finetune_rows_->end()});
  return other;
}

std::int64_t TreeRunner::first_step(std::size_t fork) const {
  const bool from_start = forks_[fork].is_control || tree_.again > 0 || !context_.cell(tree_.cell).run.fork;
  return from_start ? 0 : tree_.forks[fork].first_touch;
}

std::vector<std::size_t> TreeRunner::forks_with_lanes() const {
  std::vector<std::size_t> forks;
  for (const auto i : forks_here_) {
    if (!tree_.forks[i].repeat && first_step(i) < tree_.num_steps) {
      forks.push_back(i);
    }
  }
  std::stable_sort(forks.begin(), forks.end(),
                   [&](std::size_t a, std::size_t b) { return first_step(a) < first_step(b); });
  return forks;
}

void TreeRunner::place(std::int64_t original_lane, std::map<std::size_t, std::int64_t> fork_lanes,
                       std::optional<std::int64_t> twin_lane) {
  original_lane_ = original_lane;
  fork_lanes_ = std::move(fork_lanes);
  twin_lane_ = twin_lane;
}

std::optional<unlearn::Touch> TreeRunner::touch_of(const plan::Fork& fork, std::int64_t step,
                                                   const std::vector<std::int64_t>& rows) const {
  const auto& forget_set = plan_.forget_sets[fork.forget_set];
  unlearn::Touch touch;
  if (forget_set.skipped_step == step) {
    touch.rows_forgotten = rows;
  } else {
    for (const auto row : rows) {
      const bool forgotten = std::binary_search(forget_set.rows.begin(), forget_set.rows.end(), row);
      (forgotten ? touch.rows_forgotten : touch.rows_left).push_back(row);
    }
  }
  if (touch.rows_forgotten.empty()) {
    return std::nullopt;
  }
  touch.step = step;
  touch.lr = hyper_.lr_at(step);
  touch.rows = rows;
  return touch;
}

learn::LaneStep TreeRunner::lane_step(std::size_t index, std::int64_t step,
                                      const std::shared_ptr<const std::vector<std::int64_t>>& rows) const {
  const auto& fork = forks_[index];
  const auto& retrain = context_.cell(tree_.forks[index].cell).retrain;
  const learn::LaneStep skipped{skip_of(context_.cell(tree_.forks[index].cell)), nullptr, 0};
  if (fork.fresh_order) {
    const auto per_epoch = order_.steps_per_epoch();
    const auto epoch = step / per_epoch, position = step % per_epoch;
    if (position >= fork.fresh_order->steps_per_epoch()) {
      return skipped;
    }
    auto fresh = std::make_shared<const std::vector<std::int64_t>>(
        fork.fresh_order->batch(epoch * fork.fresh_order->steps_per_epoch() + position));
    const auto count = static_cast<double>(fresh->size());
    return {learn::Action::train, std::move(fresh), count};
  }
  if (!fork.touch) {
    return {learn::Action::train, rows, static_cast<double>(rows->size())};
  }
  if (fork.touch->rows_left.empty()) {
    return skipped;
  }
  const auto& left = fork.touch->rows_left;
  const auto denominator = retrain.denominator == config::Denominator::left ? left.size() : rows->size();
  return {learn::Action::train, std::make_shared<const std::vector<std::int64_t>>(left),
          static_cast<double>(denominator)};
}

unlearn::Original TreeRunner::original_of(const learn::LanePack& pack) const {
  return {pack.state(original_lane_), pack.velocity(original_lane_)};
}

/// A fork's estimates and methods learn what M is about to do.
void TreeRunner::tell(std::size_t index, std::int64_t step, const std::vector<std::int64_t>& rows,
                      const learn::LanePack& pack, double rates_after) {
  auto& fork = forks_[index];
  fork.touch = touch_of(tree_.forks[index], step, rows);
  if (!fork.touch && fork.followers.empty()) {
    return;
  }
  const auto original = original_of(pack);
  if (!fork.touch) {
    for (auto* follower : fork.followers) {
      follower->before_untouched_step({step, hyper_.lr_at(step), rows}, original);
    }
    return;
  }
  ++fork.counts.num_touched;
  fork.counts.num_draws += static_cast<std::int64_t>(fork.touch->rows_forgotten.size());
  fork.counts.num_skipped += fork.touch->rows_left.empty() ? 1 : 0;
  for (const auto& [key, estimates] : fork.estimates) {
    estimates->before_step(*fork.touch, original.state, rates_after, *tracks_[key.first]);
  }
  for (const auto& [text, unlearner] : fork.unlearners) {
    unlearner->before_step(*fork.touch, original);
  }
  if (fork.gradient) {
    fork.gradient->forget();
  }
}

void TreeRunner::before_step(std::int64_t step, learn::LanePack& pack, std::vector<learn::LaneStep>& steps) {
  if (step == num_steps()) {
    return;
  }
  const auto rows = std::make_shared<const std::vector<std::int64_t>>(order_.batch(step));
  const double rates_after = rates_ + hyper_.lr_at(step);
  const learn::LaneStep original_step{learn::Action::train, rows, static_cast<double>(rows->size())};
  if (step < original_steps_) {
    steps[static_cast<std::size_t>(original_lane_)] = original_step;
  }
  if (twin_lane_) {
    steps[static_cast<std::size_t>(*twin_lane_)] = original_step;
  }
  for (const auto i : forks_here_) {
    tell(i, step, *rows, pack, rates_after);
    const auto lane = fork_lanes_.find(i);
    if (lane == fork_lanes_.end() || step < first_step(i)) {
      continue;
    }
    if (step == first_step(i)) {
      pack.copy_lane(original_lane_, lane->second);
    }
    steps[static_cast<std::size_t>(lane->second)] = lane_step(i, step, rows);
  }
  rates_ = rates_after;
}

void TreeRunner::after_step(std::int64_t step, const learn::LanePack& pack) {
  clock_ = step + 1;
  if (step == num_steps()) {
    return;
  }
  for (auto& fork : forks_) {
    if (fork.touch) {
      const auto original = original_of(pack);
      for (const auto& [text, unlearner] : fork.unlearners) {
        unlearner->after_step(*fork.touch, original);
      }
    }
    if (fork.moved) {
      fork.moved->after_step(*network_, *data_, pack.state(original_lane_),
                             fork.touch ? fork.touch->rows_forgotten : std::vector<std::int64_t>{});
    }
  }
}

}  // namespace unroll::execute
