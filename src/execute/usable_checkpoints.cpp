// Which of the checkpoints that earlier attempts left something can go on from.
#include <algorithm>
#include <map>
#include <unordered_set>

#include "execute/checkpoint.hpp"
#include "execute/repeat.hpp"
#include "execute/work_list.hpp"
#include "unroll/store/kept_weights.hpp"

namespace unroll::execute {
namespace {

class Usable {
 public:
  Usable(const plan::Plan& plan, const store::Finished& finished)
      : plan_(plan), finished_(finished), compared_(compared_models(plan, finished)) {
    for (const auto& pretraining : plan.pretrainings) {
      stages_.insert(pretraining.id);
    }
    for (const auto& tree : plan.trees) {
      trees_[tree.id] = &tree;
      stages_.insert(repeat_id(tree));
    }
  }

  [[nodiscard]] bool operator()(const std::string& name) const {
    const auto part = part_of_name(name);
    if (!part) {
      return false;
    }
    const auto tree = trees_.find(part->id);
    return tree != trees_.end() ? is_open(*part, *tree->second) && is_whole(*part, *tree->second)
                                : stages_.contains(part->id) && !finished_.stages.contains(part->id);
  }

 private:
  [[nodiscard]] bool is_here(const SavedPart& part, const plan::Tree& tree, std::size_t fork) const {
    return std::find(part.forks.begin(), part.forks.end(), tree.forks[fork].id) != part.forks.end();
  }

  /// No group needs the model's weights from before the step, or they are kept.
  [[nodiscard]] bool is_kept_until(std::size_t index, std::int64_t step) const {
    const auto& model = plan_.models[index];
    return compared_[index] || std::all_of(model.steps.begin(), model.steps.end(), [&](std::int64_t s) {
             return s >= step || finished_.weights.contains(store::kept_name(model.id, s));
           });
  }

  /// Something that it goes on with is asked for.
  [[nodiscard]] bool is_open(const SavedPart& part, const plan::Tree& tree) const {
    const auto is_left = [&](std::size_t run) {
      return is_here(part, tree, plan_.runs[run].fork) && !finished_.runs.contains(plan_.runs[run].id);
    };
    return std::any_of(tree.runs.begin(), tree.runs.end(), is_left) ||
           !std::all_of(tree.models.begin(), tree.models.end(),
                        [&](std::size_t model) { return is_kept_until(model, tree.num_steps + 1); });
  }

  /// Weights that it does not train again are there.
  [[nodiscard]] bool is_whole(const SavedPart& part, const plan::Tree& tree) const {
    return std::all_of(tree.models.begin(), tree.models.end(), [&](std::size_t model) {
      const auto& fork = plan_.models[model].fork;
      return (fork && !is_here(part, tree, *fork)) || is_kept_until(model, part.step);
    });
  }

  const plan::Plan& plan_;
  const store::Finished& finished_;
  std::vector<bool> compared_;
  std::map<std::string, const plan::Tree*> trees_;
  std::unordered_set<std::string> stages_;
};

}  // namespace

std::vector<store::KeptFile> usable_checkpoints(const std::string& folder, const plan::Plan& plan,
                                                const store::Finished& finished) {
  auto files = store::checkpoint_files(folder);
  if (files.empty()) {
    return files;  // as at most starts: no id of the plan is looked at
  }
  const Usable is_usable(plan, finished);
  for (auto& file : files) {
    std::erase_if(file.names, [&](const std::string& name) { return !is_usable(name); });
  }
  std::erase_if(files, [](const store::KeptFile& file) { return file.names.empty(); });
  return files;
}

}  // namespace unroll::execute
