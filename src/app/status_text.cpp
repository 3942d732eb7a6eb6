#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <map>

#include "status.hpp"
#include "unroll/base/text.hpp"
#include "unroll/base/wording.hpp"

namespace unroll::app {
namespace {

constexpr std::size_t kMostRanks = 24;    // lines; those that have done the same for longest
constexpr std::size_t kMostReasons = 10;  // lines
constexpr std::size_t kMostIds = 3;       // of runs, after a reason

std::string duration(double seconds) {
  const auto whole = static_cast<long long>(std::llround(std::max(0.0, seconds)));
  char text[64];
  if (whole >= 3600) {
    std::snprintf(text, sizeof text, "%lld:%02lld:%02lld", whole / 3600, whole / 60 % 60, whole % 60);
  } else {
    std::snprintf(text, sizeof text, "%lld:%02lld", whole / 60, whole % 60);
  }
  return text;
}

std::string utc(double time_s) {
  const auto time = static_cast<std::time_t>(time_s);
  std::tm parts{};
  gmtime_r(&time, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &parts);
  return text;
}

std::string padded(const std::string& text, std::size_t size) {
  return text + std::string(text.size() < size ? size - text.size() : 1, ' ');
}

std::string row(const std::string& name, const std::string& text) { return padded(name, 10) + text + '\n'; }

std::string life_text(const store::AttemptState& attempt) {
  switch (attempt.life) {
    case store::Life::ended:
      return attempt.outcome;
    case store::Life::dead:
      return "dead: " + attempt.why + "; run it again to go on";
    case store::Life::alive:
      break;
  }
  return "alive: " + attempt.why;
}

std::string attempt_text(const Status& status) {
  const store::AttemptState& attempt = status.attempt;
  std::string text = row("attempt", std::to_string(attempt.number) + ": " + store::who(attempt) +
                                        (attempt.owner ? ", " + counted(attempt.owner->num_ranks, "rank") : ""));
  if (attempt.owner) {
    text +=
        row("started", utc(attempt.owner->start_s) + ", " + duration(status.now_s - attempt.owner->start_s) + " ago");
  }
  return text + row("owner", life_text(attempt));
}

std::string progress_text(const Status& status) {
  if (!status.knows_plan) {
    return row("runs", "the attempt has not said yet what there is to do");
  }
  const std::int64_t num_failed = std::ssize(status.failed);
  const bool is_over = status.attempt.life != store::Life::alive;
  const std::int64_t num_left = status.num_runs - status.num_runs_done;
  std::string text = row("runs", std::to_string(status.num_runs_done) + " of " + std::to_string(status.num_runs) +
                                     " done (" + std::to_string(num_failed) + " failed), " + std::to_string(num_left) +
                                     (is_over ? " missing" : " to do"));
  const std::int64_t num_before = status.num_items_before;
  text += row("items", std::to_string(num_before + status.num_items_done) + " of " + std::to_string(status.num_items) +
                           " finished" +
                           (num_before > 0 ? ", " + std::to_string(num_before) + " of them before this attempt" : ""));
  if (status.rate) {
    const Rate& rate = *status.rate;
    std::string to_go;
    if (!is_over) {
      to_go = "; " + duration(rate.left_s) + " to go (" + duration(rate.shortest_s) + " to " +
              (rate.longest_s ? duration(*rate.longest_s) : "?") + ")";
    }
    text += row("rate", rounded(rate.items) + " items a second" + to_go);
  }
  if (status.busy) {
    text += row("busy", std::to_string(std::lround(100 * *status.busy)) + " % of the ranks' time went into items");
  }
  return text;
}

std::string ranks_text(const Status& status) {
  if (status.ranks.empty()) {
    return "";
  }
  std::vector<RankStatus> ranks = status.ranks;
  if (ranks.size() > kMostRanks) {
    std::stable_sort(ranks.begin(), ranks.end(), [](const auto& a, const auto& b) { return a.since_s < b.since_s; });
    ranks.resize(kMostRanks);
  }
  std::string text = "\n  rank  host          for       items  doing\n";
  for (const RankStatus& rank : ranks) {
    text += "  " + padded(std::to_string(rank.rank), 6) + padded(printable(rank.host, 13), 14) +
            padded(duration(status.now_s - rank.since_s), 10) + padded(std::to_string(rank.num_done), 7) + rank.doing +
            '\n';
  }
  if (ranks.size() < status.ranks.size()) {
    text += "  and " + counted(std::ssize(status.ranks) - std::ssize(ranks), "rank") +
            " more, which took or finished something later\n";
  }
  return text;
}

/// Estimated work a busy second, of the slowest rank beside the median one.
std::string slowest_text(const Status& status) {
  std::vector<std::pair<double, const RankStatus*>> speeds;
  for (const RankStatus& rank : status.ranks) {
    if (rank.busy_s > 0 && rank.cost_s > 0) {
      speeds.emplace_back(rank.cost_s / rank.busy_s, &rank);
    }
  }
  if (speeds.size() < 2) {
    return "";
  }
  std::sort(speeds.begin(), speeds.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  const auto& [speed, slowest] = speeds.front();
  return row("slowest", "rank " + std::to_string(slowest->rank) + " on " + slowest->host + ": " +
                            rounded(speed / speeds[speeds.size() / 2].first) + " of the median rank's speed");
}

std::string failures_text(const Status& status) {
  std::map<std::string, std::vector<std::string>> ids;  // by reason
  for (const FailedRun& run : status.failed) {
    ids[run.status + (run.reason.empty() ? "" : ": " + run.reason)].push_back(run.id);
  }
  std::string text;
  std::size_t num_shown = 0;
  for (auto& [reason, runs] : ids) {
    if (num_shown++ == kMostReasons) {
      return text +
             row("", "and " + counted(std::ssize(ids) - static_cast<std::int64_t>(kMostReasons), "reason") + " more");
    }
    const std::string count = std::to_string(runs.size());
    const bool has_more = runs.size() > kMostIds;
    runs.resize(std::min(runs.size(), kMostIds));
    text += row(text.empty() ? "failed" : "",
                count + " " + reason + " (" + join(runs, ", ") + (has_more ? ", ..." : "") + ")");
  }
  return text;
}

std::string json_member(std::string_view name, const std::string& value) { return json_string(name) + ": " + value; }

std::string object(const std::vector<std::string>& members) { return '{' + join(members, ", ") + '}'; }

std::string integer(std::int64_t value) { return std::to_string(value); }

std::string owner_json(const store::AttemptState& attempt) {
  if (!attempt.owner) {
    return "null";
  }
  const store::Owner& owner = *attempt.owner;
  return object({json_member("host", json_string(owner.host)), json_member("process", integer(owner.pid)),
                 json_member("slurm_job", json_string(owner.job_id)), json_member("restarts", integer(owner.restarts)),
                 json_member("num_ranks", integer(owner.num_ranks)),
                 json_member("start_s", json_number(owner.start_s))});
}

std::string rank_json(const RankStatus& rank) {
  return object({json_member("rank", integer(rank.rank)), json_member("host", json_string(rank.host)),
                 json_member("doing", json_string(rank.doing)), json_member("since_s", json_number(rank.since_s)),
                 json_member("num_items_done", integer(rank.num_done)), json_member("cost_s", json_number(rank.cost_s)),
                 json_member("busy_s", json_number(rank.busy_s))});
}

std::string run_json(const FailedRun& run) {
  return object({json_member("run", json_string(run.id)), json_member("status", json_string(run.status)),
                 json_member("reason", json_string(run.reason))});
}

template <typename Part>
std::string array(const std::vector<Part>& parts, std::string (*to_json)(const Part&)) {
  std::vector<std::string> items;
  for (const Part& part : parts) {
    items.push_back(to_json(part));
  }
  return '[' + join(items, ", ") + ']';
}

std::string rate_json(const std::optional<Rate>& rate) {
  if (!rate) {
    return "null";
  }
  return object({json_member("items_per_s", json_number(rate->items)), json_member("left_s", json_number(rate->left_s)),
                 json_member("shortest_s", json_number(rate->shortest_s)),
                 json_member("longest_s", rate->longest_s ? json_number(*rate->longest_s) : "null")});
}

}  // namespace

std::string status_text(const Status& status, const std::string& folder, std::size_t width) {
  const std::string text = folder + '\n' + attempt_text(status) + progress_text(status) + slowest_text(status) +
                           failures_text(status) + ranks_text(status);
  std::string fitted;
  for (const std::string_view line : split(std::string_view(text).substr(0, text.size() - 1), '\n')) {
    fitted += printable(line, width) + '\n';
  }
  return fitted;
}

std::string status_json(const Status& status, const std::string& folder) {
  constexpr const char* kLives[] = {"ended", "dead", "alive"};  // as in store::Life
  const store::AttemptState& attempt = status.attempt;
  return object({json_member("folder", json_string(folder)), json_member("attempt", integer(attempt.number)),
                 json_member("owner", owner_json(attempt)),
                 json_member("state", json_string(kLives[static_cast<std::size_t>(attempt.life)])),
                 json_member("why", json_string(attempt.why)), json_member("outcome", json_string(attempt.outcome)),
                 json_member("exit_code", integer(exit_code_of(status))),
                 json_member("heartbeat_age_s", json_number(attempt.heartbeat_age_s)),
                 json_member("num_runs", status.knows_plan ? integer(status.num_runs) : "null"),
                 json_member("num_runs_done", integer(status.num_runs_done)),
                 json_member("num_runs_failed", integer(std::ssize(status.failed))),
                 json_member("num_items", status.knows_plan ? integer(status.num_items) : "null"),
                 json_member("num_items_done", integer(status.num_items_before + status.num_items_done)),
                 json_member("rate", rate_json(status.rate)),
                 json_member("busy", status.busy ? json_number(*status.busy) : "null"),
                 json_member("ranks", array(status.ranks, rank_json)),
                 json_member("failed", array(status.failed, run_json))});
}

}  // namespace unroll::app
