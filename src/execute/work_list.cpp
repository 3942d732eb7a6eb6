#include "execute/work_list.hpp"

#include <algorithm>
#include <charconv>
#include <unordered_set>

#include "execute/repeat.hpp"
#include "execute/work_events.hpp"
#include "unroll/base/text.hpp"
#include "unroll/base/wording.hpp"
#include "unroll/plan/attempt.hpp"
#include "unroll/store/kept_weights.hpp"

namespace unroll::execute {
namespace {

std::string stage_id(const plan::Plan& plan, const plan::Item& item) {
  return item.kind == plan::ItemKind::pretraining ? plan.pretrainings[item.index].id
                                                  : repeat_id(plan.trees[item.index]);
}

struct Found {
  plan::Finished finished;
  std::vector<bool> groups;
  std::vector<std::string> digests;  // of stages, by item of the plan
  std::unordered_set<std::string> suspects;
};

std::vector<bool> digits(const std::string& text, std::size_t& at) {
  std::vector<bool> flags;
  for (; text[at] != '\n'; ++at) {
    flags.push_back(text[at] == '1');
  }
  ++at;
  return flags;
}

Found parse(const plan::Plan& plan, const std::string& text) {
  std::size_t at = 0;
  Found found;
  found.finished.runs = digits(text, at);
  found.groups = digits(text, at);
  found.finished.models = digits(text, at);
  const auto suspects_end = text.find('\n', at);
  for (const auto name : split(std::string_view(text).substr(at, suspects_end - at), ' ')) {
    found.suspects.emplace(name);
  }
  at = suspects_end + 1;
  found.finished.stages.resize(plan.items.size());
  found.digests.resize(plan.items.size());
  while (at < text.size()) {
    const auto end = text.find('\n', at);
    const auto space = text.find(' ', at);
    std::size_t item = 0;
    std::from_chars(text.data() + at, text.data() + space, item);
    found.finished.stages[item] = true;
    found.digests[item] = text.substr(space + 1, end - space - 1);
    at = end + 1;
  }
  return found;
}

bool is_given_up(const Earlier& earlier, const std::string& id) {
  const auto failed = earlier.failed.find(id);
  return failed != earlier.failed.end() &&
         (failed->second.is_final || failed->second.num_failures >= earlier.max_attempts);
}

/// By model: nothing that is open needs it, its weights are kept at every step, or it is given up.
std::vector<bool> settled_models(const plan::Plan& plan, const Earlier& earlier) {
  const auto& finished = earlier.finished;
  std::vector<bool> settled = compared_models(plan, finished);
  for (std::size_t i = 0; i < settled.size(); ++i) {
    const auto& model = plan.models[i];
    const auto& tree = plan.trees[model.tree];
    settled[i] = settled[i] || is_given_up(earlier, model.fork ? tree.forks[*model.fork].id : tree.id) ||
                 std::all_of(model.steps.begin(), model.steps.end(), [&](std::int64_t step) {
                   return finished.weights.contains(store::kept_name(model.id, step));
                 });
  }
  return settled;
}

/// The name of an item (work_events.hpp) without the forks.
std::string stem(const plan::Plan& plan, const plan::Item& item) {
  const auto name = item_name(plan, item);
  return name.substr(0, name.find(':', name.find(':') + 1));
}

/// As store::Suspects has it: with a number after a tree's name, one of its forks.
bool is_suspect(const plan::Plan& plan, const plan::Item& item, const std::unordered_set<std::string>& suspects) {
  if (suspects.empty()) {
    return false;
  }
  const auto tree = stem(plan, item);
  return suspects.contains(tree) || std::any_of(item.forks.begin(), item.forks.end(), [&](std::size_t fork) {
           return suspects.contains(tree + ':' + std::to_string(fork));
         });
}

}  // namespace

std::vector<bool> compared_models(const plan::Plan& plan, const store::Finished& finished) {
  std::vector<bool> compared(plan.models.size(), true);
  for (const auto& group : plan.groups) {
    for (const auto& member : group.members) {
      compared[member.model] = compared[member.model] && finished.runs.contains(group.id);
    }
  }
  return compared;
}

std::vector<std::string> damage_lines(const plan::Plan& plan, const store::Finished& finished) {
  std::unordered_set<std::string> missed;
  const auto compared = compared_models(plan, finished);
  for (std::size_t i = 0; i < compared.size(); ++i) {
    for (const auto step : plan.models[i].steps) {
      auto name = store::kept_name(plan.models[i].id, step);
      if (!compared[i] && !finished.weights.contains(name)) {
        missed.insert(std::move(name));
      }
    }
  }
  auto lines = finished.damage;
  for (const auto& lost : finished.lost_weights) {
    if (std::any_of(lost.names.begin(), lost.names.end(), [&](const auto& name) { return missed.contains(name); })) {
      lines.push_back("weights/kept: " + lost.file +
                      " recorded in a journal but not there; what a comparison needs of it is trained again");
    }
  }
  return lines;
}

std::vector<store::Failure> given_up(const plan::Plan& plan, const Earlier& earlier) {
  const auto crashes = [&](const std::string& name) {
    const auto found = earlier.suspects.find(name);
    return found == earlier.suspects.end() ? 0 : found->second;
  };
  std::vector<store::Failure> failures;
  for (const auto& item : plan.items) {
    if (item.kind != plan::ItemKind::tree || earlier.suspects.empty()) {
      continue;
    }
    const auto& tree = plan.trees[item.index];
    auto of_tree = crashes(stem(plan, item));
    for (const auto before : item.depends) {
      of_tree = std::max(of_tree, crashes(stem(plan, plan.items[before])));
    }
    for (std::size_t fork = 0; fork < tree.forks.size(); ++fork) {
      const auto count = std::max(of_tree, crashes(stem(plan, item) + ':' + std::to_string(fork)));
      const auto known = earlier.failed.find(tree.forks[fork].id);
      if (count < earlier.max_attempts || (known != earlier.failed.end() && known->second.is_final)) {
        continue;
      }
      const store::Failure failure{tree.forks[fork].id, "crashed the job " + counted(count, "time"), true};
      failures.push_back(failure);
      for (const auto run : tree.runs) {
        if (plan.runs[run].fork == fork && !earlier.finished.runs.contains(plan.runs[run].id)) {
          failures.push_back({plan.runs[run].id, failure.reason, true});
        }
      }
    }
  }
  return failures;
}

std::string found_text(const plan::Plan& plan, const Earlier& earlier) {
  const auto& finished = earlier.finished;
  std::string text;
  for (const auto& run : plan.runs) {
    text += finished.runs.contains(run.id) || is_given_up(earlier, run.id) ? '1' : '0';
  }
  text += '\n';
  for (const auto& group : plan.groups) {
    text += finished.runs.contains(group.id) ? '1' : '0';
  }
  text += '\n';
  for (const bool is_settled : settled_models(plan, earlier)) {
    text += is_settled ? '1' : '0';
  }
  text += '\n';
  std::vector<std::string> suspects;
  for (const auto& [name, num_crashes] : earlier.suspects) {
    suspects.push_back(name);
  }
  text += join(suspects, " ") + '\n';
  for (std::size_t i = 0; i < plan.items.size(); ++i) {
    if (plan.items[i].kind == plan::ItemKind::tree) {
      continue;
    }
    const auto stage = finished.stages.find(stage_id(plan, plan.items[i]));
    if (stage != finished.stages.end()) {
      text += std::to_string(i) + " " + stage->second + "\n";
    }
  }
  return text;
}

WorkList work_list(const Context& context, const std::string& text, int num_ranks) {
  const auto& plan = context.plan();
  auto found = parse(plan, text);
  auto attempt = plan::make_attempt(plan, found.finished, num_ranks);
  WorkList list;
  for (std::size_t i = 0; i < attempt.items.size(); ++i) {
    const auto& item = attempt.items[i];
    const auto cell =
        item.kind == plan::ItemKind::pretraining ? plan.pretrainings[item.index].cell : plan.trees[item.index].cell;
    schedule::WorkItem entry;
    entry.depends = item.depends;
    entry.not_with = item.not_with;
    entry.pack_key = item.pack_key;
    entry.num_lanes = item.num_lanes * std::max<std::int64_t>(1, kPackUnits / context.max_lanes(cell));
    entry.priority = item.critical_s;
    entry.cost = item.cost_s;
    entry.done = attempt.done[i];
    entry.suspect = is_suspect(plan, item, found.suspects);
    if (i < found.digests.size()) {
      entry.digest = std::move(found.digests[i]);
    }
    list.work.push_back(std::move(entry));
  }
  list.items = std::move(attempt.items);
  list.models = std::move(found.finished.models);
  list.models.flip();
  list.compared = std::move(found.groups);
  return list;
}

}  // namespace unroll::execute
