#include "execute/work_events.hpp"

#include <algorithm>

#include "unroll/base/text.hpp"

namespace unroll::execute {
namespace {

constexpr std::size_t kDigits = 16;

}  // namespace

std::string item_name(const plan::Plan& plan, const plan::Item& item) {
  if (item.kind == plan::ItemKind::pretraining) {
    return "pretraining:" + plan.pretrainings[item.index].id.substr(0, kDigits);
  }
  const auto& tree = plan.trees[item.index];
  if (item.kind == plan::ItemKind::repeat) {
    return "repeat:" + tree.id.substr(0, kDigits);
  }
  std::string name = "tree:" + tree.id.substr(0, kDigits);
  if (item.forks.size() < tree.forks.size()) {
    char before = ':';
    for (const auto fork : item.forks) {
      name += before;
      name += std::to_string(fork);
      before = '+';
    }
  }
  return name;
}

WorkEvents::WorkEvents(store::EventLog& log, const plan::Plan& plan, const WorkList& list) : log_(log) {
  for (const auto& item : list.items) {
    names_.push_back(item_name(plan, item));
    costs_s_.push_back(item.cost_s);
    auto& runs = runs_.emplace_back();
    if (item.kind == plan::ItemKind::tree) {
      for (const auto run : plan.trees[item.index].runs) {
        if (std::binary_search(item.forks.begin(), item.forks.end(), plan.runs[run].fork)) {
          runs.push_back(plan.runs[run].id.substr(0, kDigits));
        }
      }
    }
  }
  for (const auto& item : list.work) {
    suspects_.push_back(item.suspect);
  }
}

std::string WorkEvents::names(const std::vector<std::size_t>& items) const {
  std::vector<std::string> names;
  for (const auto item : items) {
    names.push_back(names_[item]);
  }
  return join(names, ",");
}

void WorkEvents::take(const schedule::Chunk& chunk) {
  if (suspects_[chunk.items.front()]) {
    log_.write("suspect", names_[chunk.items.front()]);
  }
  log_.write("take", names(chunk.items));
}

void WorkEvents::attempt(const std::vector<std::size_t>& items) { log_.write("try", names(items)); }

void WorkEvents::fail(std::size_t item, const std::string& reason) {
  for (const auto& run : runs_[item]) {
    log_.write("run", run + " failed " + reason);
  }
  log_.write("fail", names_[item] + ' ' + reason);
}

void WorkEvents::back() { log_.write("back", ""); }

void WorkEvents::done(std::size_t item) { log_.write("done", names_[item] + " cost=" + shortest(costs_s_[item])); }

void tell_start(store::EventLog& log, const store::Owner& self) {
  log.write("start",
            "host=" + self.host + " pid=" + std::to_string(self.pid) + " ranks=" + std::to_string(self.num_ranks));
}

void tell_plan(store::EventLog& log, const plan::Plan& plan, const WorkList& list, const std::string& found,
               const std::optional<plan::ChunkShare>& share) {
  double cost_s = 0;
  std::size_t num_done = 0;
  for (std::size_t i = 0; i < list.items.size(); ++i) {
    num_done += list.work[i].done ? 1 : 0;
    cost_s += list.work[i].done ? 0 : list.items[i].cost_s;
  }
  const auto num_runs = std::ssize(plan.runs), num_other = share ? num_runs - share->num_runs : 0;
  const auto runs_done = std::count(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(plan.runs.size()), '1');
  log.write("plan", "items=" + std::to_string(list.items.size()) + " done=" + std::to_string(num_done) +
                        " cost=" + shortest(cost_s) + " runs=" + std::to_string(num_runs - num_other) +
                        " runs_done=" + std::to_string(runs_done - num_other));
}

}  // namespace unroll::execute
