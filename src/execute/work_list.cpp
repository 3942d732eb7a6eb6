#include "execute/work_list.hpp"

#include <algorithm>
#include <charconv>

#include "execute/repeat.hpp"
#include "unroll/plan/attempt.hpp"

namespace unroll::execute {
namespace {

std::string stage_id(const plan::Plan& plan, const plan::Item& item) {
  return item.kind == plan::ItemKind::pretraining ? plan.pretrainings[item.index].id
                                                  : repeat_id(plan.trees[item.index]);
}

struct Found {
  plan::Finished finished;
  std::vector<std::string> digests;  // of stages, by item of the plan
};

Found parse(const plan::Plan& plan, const std::string& text) {
  Found found{{std::vector<bool>(plan.runs.size()), std::vector<bool>(plan.items.size())},
              std::vector<std::string>(plan.items.size())};
  for (std::size_t run = 0; run < plan.runs.size(); ++run) {
    found.finished.runs[run] = text[run] == '1';
  }
  for (std::size_t at = plan.runs.size() + 1; at < text.size();) {
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

}  // namespace

std::string found_text(const plan::Plan& plan, const store::Finished& finished) {
  std::string text;
  for (const auto& run : plan.runs) {
    text += finished.runs.contains(run.id) ? '1' : '0';
  }
  text += '\n';
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
    if (i < found.digests.size()) {
      entry.digest = std::move(found.digests[i]);
    }
    list.work.push_back(std::move(entry));
  }
  list.items = std::move(attempt.items);
  return list;
}

}  // namespace unroll::execute
