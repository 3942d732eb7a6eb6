#include "status.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <set>

#include "commands.hpp"
#include "unroll/base/text.hpp"
#include "unroll/base/wording.hpp"

namespace unroll::app {
namespace {

using store::Event;
using store::field;

constexpr int kNumWindows = 8;  // that the spread of the rate is taken over
constexpr double kErrors = 2;   // standard errors of the range

double now_s() { return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count(); }

std::int64_t count_in(const Event& event, std::string_view name) {
  return parse_integer(field(event.text, name)).value_or(0);
}

double cost_of(const Event& event) { return parse_real(field(event.text, "cost")).value_or(0); }

/// "trains 12 trees": of items of one kind, as a chunk has them.
std::string training(const std::set<std::string>& items) {
  const std::string& first = *items.begin();
  const std::string kind = first.substr(0, first.find(':'));
  return "trains " + counted(std::ssize(items), kind);
}

std::set<std::string> items_of(std::string_view text) {
  std::set<std::string> items;
  for (const std::string_view name : split(text.substr(0, text.find(' ')), ',')) {
    items.emplace(name);
  }
  return items;
}

/// What commits and failures of all attempts, in their order, leave of each run that is known to have failed once.
class Failures {
 public:
  void add(const std::vector<Event>& events) {
    for (const Event& event : events) {
      if (event.kind == "run") {
        const auto parts = split(event.text, ' ');
        const std::string id(parts[0]), status(parts.size() > 1 ? parts[1] : "");
        const std::size_t reason = std::min(event.text.size(), id.size() + status.size() + 2);
        latest_[id] = failed_[id] = {id, status, event.text.substr(reason)};
      } else if (event.kind == "commit") {
        for (const std::string_view id : split(field(event.text, "runs"), ',')) {
          const auto latest = latest_.find(std::string(id));
          latest == latest_.end() ? void(failed_.erase(std::string(id))) : void(latest_.erase(latest));
        }
      }
    }
  }
  [[nodiscard]] std::vector<FailedRun> all() const {
    std::vector<FailedRun> failed;
    for (const auto& [id, run] : failed_) {
      failed.push_back(run);
    }
    return failed;
  }

 private:
  std::map<std::string, FailedRun> failed_;
  std::map<std::string, FailedRun> latest_;  // told, and not committed yet
};

std::int64_t num_committed(const std::vector<Event>& events) {
  std::int64_t count = 0;
  for (const Event& event : events) {
    const auto runs = field(event.text, "runs");
    count += event.kind == "commit" && !runs.empty() ? std::ssize(split(runs, ',')) : 0;
  }
  return count;
}

}  // namespace

RankStatus rank_status(int rank, const std::vector<Event>& events) {
  RankStatus status;
  status.rank = rank;
  status.doing = "starts";
  std::set<std::string> in_hand;
  double taken_s = 0;
  for (const Event& event : events) {
    status.since_s = event.kind == "run" || event.kind == "commit" ? status.since_s : event.time_s;
    if (event.kind == "start") {
      status.host = field(event.text, "host");
    } else if (event.kind == "take") {
      in_hand = items_of(event.text);
      taken_s = status.taken_s = event.time_s;
      status.doing = training(in_hand);
    } else if (event.kind == "done") {
      in_hand.erase(event.text.substr(0, event.text.find(' ')));
      ++status.num_done;
      status.cost_s += cost_of(event);
      if (in_hand.empty()) {
        status.busy_s += event.time_s - taken_s;
        status.taken_s = 0;
        status.doing = "waits";
      } else {
        status.doing = training(in_hand);
        status.since_s = taken_s;
      }
    } else if (event.kind == "phase" && event.text != "training") {
      status.doing = event.text == "comparing" ? "compares groups" : event.text == "merging" ? "merges" : event.text;
    } else if (event.kind == "error" || event.kind == "stop") {
      status.doing = event.kind + ": " + event.text;
    }
  }
  return status;
}

std::optional<Rate> rate_of(const std::vector<std::vector<Event>>& ranks, double cost_s, double start_s, double now_s) {
  const double elapsed_s = now_s - start_s, window_s = elapsed_s / kNumWindows;
  double done_s = 0, num_items = 0;
  std::vector<double> windows(kNumWindows, 0);
  for (const auto& events : ranks) {
    for (const Event& event : events) {
      if (event.kind == "done" && elapsed_s > 0) {
        const double at = std::clamp((event.time_s - start_s) / window_s, 0.0, kNumWindows - 1.0);
        windows[static_cast<std::size_t>(at)] += cost_of(event);
        done_s += cost_of(event);
        ++num_items;
      }
    }
  }
  if (done_s <= 0) {
    return std::nullopt;
  }
  const double mean = done_s / kNumWindows, rate = done_s / elapsed_s;
  double squares = 0;
  for (const double window : windows) {
    squares += (window - mean) * (window - mean);
  }
  const double error = std::sqrt(squares / (kNumWindows * (kNumWindows - 1))) / window_s;
  const double left_s = std::max(0.0, cost_s - done_s);
  Rate result{num_items / elapsed_s, left_s / rate, left_s / (rate + kErrors * error)};
  if (rate > kErrors * error) {
    result.longest_s = left_s / (rate - kErrors * error);
  }
  return result;
}

std::optional<double> busy_share(const std::vector<RankStatus>& ranks, double start_s, double now_s) {
  const double elapsed_s = now_s - start_s;
  if (ranks.empty() || elapsed_s <= 0) {
    return std::nullopt;
  }
  double busy_s = 0;
  for (const RankStatus& rank : ranks) {
    busy_s += rank.busy_s + (rank.taken_s > 0 ? std::max(0.0, now_s - rank.taken_s) : 0);
  }
  return std::min(1.0, busy_s / (elapsed_s * static_cast<double>(ranks.size())));
}

std::optional<Status> read_status(const std::string& folder) {
  const std::int64_t newest = store::newest_attempt(folder);
  if (newest == 0) {
    return std::nullopt;
  }
  Status status;
  store::FileDoor door;
  status.attempt = store::look_at_attempt(folder, newest, store::this_process(1), door);
  status.now_s = now_s();
  Failures failures;
  for (std::int64_t number = 1; number < newest; ++number) {
    for (const int rank : store::ranks_with_events(folder, number)) {
      failures.add(store::read_events(folder, number, rank));
    }
  }
  std::vector<std::vector<Event>> ranks;
  double start_s = 0, cost_s = 0, last_s = 0;
  for (const int rank : store::ranks_with_events(folder, newest)) {
    ranks.push_back(store::read_events(folder, newest, rank));
    const auto& events = ranks.back();
    failures.add(events);
    status.ranks.push_back(rank_status(rank, events));
    status.num_items_done += status.ranks.back().num_done;
    status.num_runs_done += num_committed(events);
    last_s = events.empty() ? last_s : std::max(last_s, events.back().time_s);
    const auto plan = std::find_if(events.begin(), events.end(), [](const Event& e) { return e.kind == "plan"; });
    if (plan != events.end()) {
      status.knows_plan = true;
      status.num_runs = count_in(*plan, "runs");
      status.num_runs_done += count_in(*plan, "runs_done");
      status.num_items = count_in(*plan, "items");
      status.num_items_before = count_in(*plan, "done");
      cost_s = cost_of(*plan);
      start_s = plan->time_s;
    }
  }
  status.failed = failures.all();
  if (status.knows_plan) {
    const double end_s = status.attempt.life == store::Life::alive ? status.now_s : last_s;
    status.rate = rate_of(ranks, cost_s, start_s, end_s);
    status.busy = busy_share(status.ranks, start_s, end_s);
  }
  return status;
}

int exit_code_of(const Status& status) {
  const std::string& outcome = status.attempt.outcome;
  const auto is = [&](std::string_view word) { return outcome.starts_with(word); };
  if (outcome.empty() || is("incomplete")) {
    return kExitIncomplete;
  }
  return is("complete") ? kExitComplete : is("failed") ? kExitFailedRuns : 1;
}

}  // namespace unroll::app
