// The side of a tree that checkpoints see. Every value stands under its own name, so that a part of the forks can be
// taken up again without the others.
#include <algorithm>

#include "execute/archive_rows.hpp"
#include "execute/tree_runner.hpp"
#include "unroll/base/error.hpp"

namespace unroll::execute {
namespace {

/// Rows of one run: on saving those among all, on loading added to all.
template <typename Row>
void transfer_rows_of(Archive& archive, const std::string& run_id, std::vector<Row>& all,
                      std::span<const record::Column<Row>> columns) {
  std::vector<Row> rows;
  if (!archive.is_loading()) {
    std::copy_if(all.begin(), all.end(), std::back_inserter(rows),
                 [&](const Row& row) { return row.run_id == run_id; });
  }
  transfer_rows(archive, rows, columns);
  if (archive.is_loading()) {
    all.insert(all.end(), std::make_move_iterator(rows.begin()), std::make_move_iterator(rows.end()));
  }
}

}  // namespace

SavedPart TreeRunner::save(learn::LanePack& pack) {
  SavedPart part;
  part.id = tree_.id;
  part.step = clock_;
  for (const auto fork : forks_here_) {
    part.forks.push_back(tree_.forks[fork].id);
  }
  PartTransfer values(part, PartTransfer::Direction::save);
  transfer(values, pack);
  return part;
}

void TreeRunner::load(SavedPart part, learn::LanePack& pack) {
  clock_ = part.step;
  if (part.id != tree_.id || clock_ < 0 || clock_ > num_steps() + 1) {
    throw Error("the checkpoint of " + part.id + " at step " + std::to_string(part.step) + " is not of " + tree_.id);
  }
  PartTransfer values(part, PartTransfer::Direction::load);
  transfer(values, pack);
}

void TreeRunner::transfer(PartTransfer& values, learn::LanePack& pack) {
  values("tree", [&](Archive& archive) {
    archive(rates_, measure_seconds_, model_steps_);
    transfer_rows(archive, record_.twins, record::twin_columns());
  });
  values("original", [&](Archive& archive) { transfer_lane(archive, pack, original_lane_); });
  if (twin_lane_) {
    values("twin", [&](Archive& archive) { transfer_lane(archive, pack, *twin_lane_); });
  }
  for (const auto& [text, track] : track_of_) {
    values("track " + text, [&](Archive& archive) { tracks_[track]->transfer(archive); });
  }
  for (auto& [key, error] : checkpointed_) {
    values("checkpointed " + track_text(key.first) + std::to_string(key.second),
           [&](Archive& archive) { error.transfer(archive); });
  }
  for (const auto fork : forks_here_) {
    transfer_fork(values, fork, pack);
  }
  for (auto& run : runs_) {
    transfer_run(values, run);
  }
}

const std::string& TreeRunner::track_text(std::size_t track) const {
  return std::find_if(track_of_.begin(), track_of_.end(), [&](const auto& entry) { return entry.second == track; })
      ->first;
}

void TreeRunner::transfer_fork(PartTransfer& values, std::size_t index, learn::LanePack& pack) {
  auto& fork = forks_[index];
  const auto name = "fork " + tree_.forks[index].id;
  values(name,
         [&](Archive& archive) { archive(fork.counts.num_touched, fork.counts.num_draws, fork.counts.num_skipped); });
  const auto lane = fork_lanes_.find(index);
  if (lane != fork_lanes_.end() && first_step(index) < clock_) {
    if (values.is_loading() && !values.has(name + " lane")) {
      pack.copy_lane(original_lane_, lane->second);  // saved with run.fork = yes: until here it is M
    } else {
      values(name + " lane", [&](Archive& archive) { transfer_lane(archive, pack, lane->second); });
    }
  }
  for (const auto& [text, unlearner] : fork.unlearners) {
    values(name + " unlearner " + text, [&](Archive& archive) { unlearner->transfer(archive); });
  }
  for (const auto& [key, estimates] : fork.estimates) {
    values(name + " estimates " + (key.second ? "one_hvp " : "") + track_text(key.first),
           [&](Archive& archive) { estimates->transfer(archive); });
  }
  if (fork.moved) {
    values(name + " moved statistics", [&](Archive& archive) { fork.moved->transfer(archive); });
  }
}

void TreeRunner::transfer_run(PartTransfer& values, RunState& run) {
  values("run " + run.run->id, [&](Archive& archive) {
    archive(run.status, run.reason);
    transfer_arrays(archive, run.logits);
    transfer_rows_of(archive, run.run->id, record_.pairs, record::pair_columns());
    transfer_rows_of(archive, run.run->id, record_.layers, record::layer_columns());
  });
}

}  // namespace unroll::execute
