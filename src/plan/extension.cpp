#include "unroll/plan/extension.hpp"

#include <unordered_set>

#include "unroll/base/wording.hpp"

namespace unroll::plan {
namespace {

template <typename Thing>
std::unordered_set<std::string> ids_of(const std::vector<Thing>& things) {
  std::unordered_set<std::string> ids;
  for (const Thing& thing : things) {
    ids.insert(thing.id);
  }
  return ids;
}

}  // namespace

Extension extension(const Plan& old_plan, const Plan& new_plan) {
  Extension result;
  const auto old_runs = ids_of(old_plan.runs), new_runs = ids_of(new_plan.runs);
  for (std::size_t i = 0; i < old_plan.runs.size(); ++i) {
    if (!new_runs.contains(old_plan.runs[i].id)) {
      result.lost.push_back(i);
    }
  }
  result.num_added_runs = new_plan.runs.size() - (old_plan.runs.size() - result.lost.size());
  const auto old_groups = ids_of(old_plan.groups), old_models = ids_of(old_plan.models);
  std::unordered_set<std::string> again;
  for (const Group& group : new_plan.groups) {
    if (old_groups.contains(group.id)) {
      continue;
    }
    ++result.num_added_groups;
    for (const Member& member : group.members) {
      const std::string& id = new_plan.models[member.model].id;
      if (old_models.contains(id)) {
        again.insert(id);
      }
    }
  }
  result.num_models_again = again.size();
  return result;
}

std::string describe(const Extension& extension, const Plan& new_plan) {
  const auto count = [](std::size_t number, const char* noun) {
    return counted(static_cast<std::int64_t>(number), noun);
  };
  std::string text = count(new_plan.runs.size() - extension.num_added_runs, "run") + " of the study that is there, " +
                     count(extension.num_added_runs, "run") + " added";
  if (extension.num_added_groups > 0) {
    text += "; " + count(extension.num_added_groups, "comparison group") + " added";
    text += extension.num_models_again > 0 ? ", for which " + count(extension.num_models_again, "model") +
                                                 " of the old groups are trained again where their weights are not kept"
                                           : ", all of new models";
  }
  return text;
}

}  // namespace unroll::plan
