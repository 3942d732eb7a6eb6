#pragma once
// Checkpoints: what a chunk of work has in hand between two steps, so that a later attempt goes on from there, in any
// packing and on any rank, to the same bits. A file holds one part for each model or tree of the chunk; a part is named
// by what determines its outcome (stage id), the steps taken, and for a tree the forks that train in it. Within a part
// each lane, curvature, fork and run stands by its own id, so that a part of the forks can go on without the others.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "unroll/base/archive.hpp"
#include "unroll/learn/lane_pack.hpp"
#include "unroll/plan/plan.hpp"
#include "unroll/store/checkpoints.hpp"
#include "unroll/store/store.hpp"

namespace unroll::execute {

/// Training of one model or tree, standing between two steps.
struct SavedPart {
  std::string id;  // stage id: of a pretraining, a repeat, or a tree's M
  std::int64_t step = 0;
  std::vector<std::string> forks;                        // their ids; of a tree
  std::map<std::string, std::vector<std::byte>> values;  // by what they are of
  void transfer(Archive& archive) { archive(id, step, forks, values); }
};

/// One way through a part: what an object names under `name` is taken, or given back to it.
class PartTransfer {
 public:
  enum class Direction { save, load };
  PartTransfer(SavedPart& part, Direction direction) : part_(part), direction_(direction) {}
  [[nodiscard]] bool is_loading() const { return direction_ == Direction::load; }
  [[nodiscard]] bool has(const std::string& name) const { return part_.values.contains(name); }
  /// Error when it is not there, or something else.
  void operator()(const std::string& name, const std::function<void(Archive&)>& transfer);

 private:
  SavedPart& part_;
  Direction direction_;
};

/// Weights, buffers and velocity of a lane.
void transfer_lane(Archive& archive, const learn::LanePack& pack, std::int64_t lane);

/// "id.t<step>+<fork>+...": a part's name in the journal; and back.
[[nodiscard]] std::string part_name(const SavedPart& part);
[[nodiscard]] std::optional<SavedPart> part_of_name(std::string_view name);

/// Files of the folder of which something can go on: training that is not finished, and whose weights for comparison
/// groups from before the checkpoint are kept. finished: what is there.
[[nodiscard]] std::vector<store::KeptFile> usable_checkpoints(const std::string& folder, const plan::Plan& plan,
                                                              const store::Finished& finished);

/// Called between two steps. save: gives what is in hand, if that is to be kept now.
using Save = std::function<std::vector<SavedPart>()>;
using Between = std::function<void(const Save& save)>;

/// One rank's checkpoints: those that an earlier attempt left, and its own of the chunk in hand.
class Checkpoints {
 public:
  using Notice = std::function<void(const std::string& line)>;

  /// interval_s: between checkpoints of one chunk; 0: none are made. found: usable_checkpoints of rank 0.
  Checkpoints(std::string folder, store::Writer& writer, std::string numerics_key, double interval_s,
              std::vector<store::KeptFile> found, Notice on_notice);

  /// A chunk begins; ends: what it had in hand is committed, and its checkpoint is removed.
  void begin_chunk();
  void end_chunk();
  /// So long ago that the chunk began or was saved last. stopping: the rank is about to leave it.
  [[nodiscard]] bool is_due(bool stopping) const;
  void save(std::vector<SavedPart> parts);

  /// The pretraining or repeat as it was left last.
  [[nodiscard]] std::optional<SavedPart> find(const std::string& id);
  /// Forks of a tree, by the parts that they go on from; those that start anew come with none. No forks: M alone.
  struct Group {
    std::optional<SavedPart> part;
    std::vector<std::size_t> forks;
  };
  [[nodiscard]] std::vector<Group> groups_of(const plan::Tree& tree, const std::vector<std::size_t>& forks);

 private:
  struct Known {
    std::size_t file;
    SavedPart name;  // without values
  };
  [[nodiscard]] std::vector<const Known*> latest_first(const std::string& id) const;
  [[nodiscard]] std::optional<SavedPart> load(const Known& known);

  std::string folder_;
  store::Writer& writer_;
  std::string numerics_key_;
  double interval_s_;
  std::vector<store::KeptFile> files_;
  std::vector<bool> is_bad_;                 // by file: was named as damaged
  std::multimap<std::string, Known> known_;  // by id
  std::vector<SavedPart> loaded_;            // of the file read last
  std::optional<std::size_t> loaded_file_;
  std::string current_;  // this chunk's file
  std::chrono::steady_clock::time_point saved_at_;
  Notice on_notice_;
};

}  // namespace unroll::execute
