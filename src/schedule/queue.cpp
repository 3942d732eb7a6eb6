#include <algorithm>
#include <set>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "unroll/base/error.hpp"
#include "unroll/schedule/schedule.hpp"

namespace unroll::schedule {
namespace {

constexpr int kNobody = -1;
/// A chunk shrinks no further than lanes_per_pack divided by this.
constexpr std::int64_t kSmallestPart = 32;
/// Items of another width than the room left are passed over, but not more than these.
constexpr int kMaxPassedOver = 64;
constexpr double kShareAhead = 0.5;
constexpr double kRounding = 1 + 1e-9;  // sums of the same costs in another order

enum class Status { waiting, ready, taken, done };

struct Entry {
  WorkItem item;
  std::size_t key = 0;  // number of its pack key
  Status status = Status::waiting;
  int taken_by = kNobody;
  std::size_t num_open_depends = 0;
  std::vector<std::size_t> dependents;
  std::vector<std::size_t> conflicts;  // not_with, both ways
};

struct Amount {
  std::int64_t lanes = 0;
  double cost = 0;
  void add(const WorkItem& item) {
    lanes += item.num_lanes;
    cost += item.cost;
  }
  void remove(const WorkItem& item) {
    lanes -= item.num_lanes;
    cost -= item.cost;
  }
};

/// What a chunk may hold.
struct Share {
  std::int64_t lanes = 0;           // at most
  std::int64_t smallest_lanes = 0;  // taken whatever they cost
  double cost = 0;                  // beyond those, about
};

std::int64_t divide_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

}  // namespace

struct Queue::State {
  struct ByPriority {
    const std::vector<Entry>* entries;
    bool operator()(std::size_t a, std::size_t b) const {
      const double first = (*entries)[a].item.priority, second = (*entries)[b].item.priority;
      return first != second ? first > second : a < b;
    }
  };
  using Ready = std::set<std::size_t, ByPriority>;
  struct Key {
    Amount at_start, left, ready;  // left: neither taken nor done
    Ready items;                   // that are ready
  };

  std::vector<Entry> entries;
  std::int64_t lanes_per_pack = 1;
  std::set<int> present;   // ranks that have not left
  std::set<int> unserved;  // ranks whose last take() found nothing
  std::vector<Key> keys;
  std::size_t num_done = 0;
  std::size_t num_left = 0;  // neither taken nor done
  bool is_closed = false;
  std::optional<std::size_t> suspect_in_hand;

  Ready ready{ByPriority{&entries}};

  void number_keys();
  void link();
  void check_acyclic() const;
  void make_ready(std::size_t index);
  void complete(std::size_t index);
  [[nodiscard]] bool ruled_out(std::size_t index, int rank) const;
  [[nodiscard]] bool allowed(std::size_t index, int rank) const;
  [[nodiscard]] Share fair_share(const Key& key, int rank) const;
  [[nodiscard]] std::optional<std::size_t> first_for(int rank, bool ahead, const Fits& fits, bool& is_too_late) const;
  void give(std::size_t index, int rank, Chunk& chunk);
};

void Queue::State::number_keys() {
  std::unordered_map<std::string_view, std::size_t> known;
  for (Entry& entry : entries) {
    entry.key = known.emplace(entry.item.pack_key, known.size()).first->second;
  }
  keys.assign(known.size(), Key{{}, {}, {}, Ready{ByPriority{&entries}}});
}

void Queue::State::link() {
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const WorkItem& item = entries[i].item;
    for (const std::size_t depend : item.depends) {
      if (depend >= entries.size() || depend == i) {
        throw Error("work item " + std::to_string(i) + " depends on item " + std::to_string(depend) + " of " +
                    std::to_string(entries.size()));
      }
      entries[depend].dependents.push_back(i);
    }
    if (item.not_with) {
      if (*item.not_with >= entries.size() || *item.not_with == i) {
        throw Error("work item " + std::to_string(i) + " is not with item " + std::to_string(*item.not_with) + " of " +
                    std::to_string(entries.size()));
      }
      entries[i].conflicts.push_back(*item.not_with);
      entries[*item.not_with].conflicts.push_back(i);
    }
  }
}

void Queue::State::check_acyclic() const {
  std::vector<std::size_t> open;
  std::vector<std::size_t> sorted;
  for (const Entry& entry : entries) {
    open.push_back(entry.item.depends.size());
  }
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (open[i] == 0) {
      sorted.push_back(i);
    }
  }
  for (std::size_t next = 0; next < sorted.size(); ++next) {
    for (const std::size_t dependent : entries[sorted[next]].dependents) {
      if (--open[dependent] == 0) {
        sorted.push_back(dependent);
      }
    }
  }
  if (sorted.size() != entries.size()) {
    throw Error("work items depend on each other in a circle");
  }
}

void Queue::State::make_ready(std::size_t index) {
  Entry& entry = entries[index];
  entry.status = Status::ready;
  entry.taken_by = kNobody;
  ready.insert(index);
  keys[entry.key].items.insert(index);
  keys[entry.key].ready.add(entry.item);
}

void Queue::State::complete(std::size_t index) {
  entries[index].status = Status::done;
  ++num_done;
  if (suspect_in_hand == index) {
    suspect_in_hand.reset();
  }
  for (const std::size_t dependent : entries[index].dependents) {
    Entry& other = entries[dependent];
    if (--other.num_open_depends == 0 && other.status == Status::waiting) {
      make_ready(dependent);
    }
  }
}

bool Queue::State::ruled_out(std::size_t index, int rank) const {
  const auto& conflicts = entries[index].conflicts;
  return std::any_of(conflicts.begin(), conflicts.end(),
                     [&](std::size_t other) { return entries[other].taken_by == rank; });
}

bool Queue::State::allowed(std::size_t index, int rank) const {
  return !ruled_out(index, rank) ||
         std::all_of(present.begin(), present.end(), [&](int other) { return ruled_out(index, other); });
}

Share Queue::State::fair_share(const Key& key, int rank) const {
  const auto num_present = static_cast<std::int64_t>(present.size());
  // Ranks that stand idle now share what is ready now.
  const auto idle = static_cast<std::int64_t>(unserved.size() - unserved.count(rank)) + 1;
  const std::int64_t smallest =
      std::max<std::int64_t>(1, std::min(lanes_per_pack / kSmallestPart, divide_up(key.at_start.lanes, num_present)));
  return {lanes_per_pack, std::min(smallest, divide_up(key.ready.lanes, idle)),
          std::min(key.left.cost / static_cast<double>(num_present), key.ready.cost / static_cast<double>(idle))};
}

void Queue::State::give(std::size_t index, int rank, Chunk& chunk) {
  Entry& entry = entries[index];
  entry.status = Status::taken;
  entry.taken_by = rank;
  ready.erase(index);
  --num_left;
  Key& key = keys[entry.key];
  key.items.erase(index);
  key.ready.remove(entry.item);
  key.left.remove(entry.item);
  chunk.items.push_back(index);
  for (const std::size_t depend : entry.item.depends) {
    chunk.depend_digests.push_back(entries[depend].item.digest);
  }
}

Queue::Queue(std::vector<WorkItem> items, int num_ranks, std::int64_t lanes_per_pack)
    : state_(std::make_unique<State>()) {
  State& state = *state_;
  if (num_ranks < 1 || lanes_per_pack < 1) {
    throw Error("a queue needs at least one rank and one lane");
  }
  state.lanes_per_pack = lanes_per_pack;
  for (int rank = 0; rank < num_ranks; ++rank) {
    state.present.insert(rank);
  }
  for (WorkItem& item : items) {
    item.cost = item.cost > 0 ? item.cost : static_cast<double>(item.num_lanes);
    state.entries.emplace_back().item = std::move(item);
  }
  state.number_keys();
  state.link();
  state.check_acyclic();
  for (Entry& entry : state.entries) {
    if (entry.item.done) {
      entry.status = Status::done;
      ++state.num_done;
      continue;
    }
    state.keys[entry.key].at_start.add(entry.item);
    state.keys[entry.key].left.add(entry.item);
    ++state.num_left;
    for (const std::size_t depend : entry.item.depends) {
      entry.num_open_depends += state.entries[depend].item.done ? 0 : 1;
    }
  }
  for (std::size_t i = 0; i < state.entries.size(); ++i) {
    if (state.entries[i].status == Status::waiting && state.entries[i].num_open_depends == 0) {
      state.make_ready(i);
    }
  }
}

Queue::~Queue() = default;
Queue::Queue(Queue&&) noexcept = default;
Queue& Queue::operator=(Queue&&) noexcept = default;

/// The item that a rank's next chunk starts with. is_too_late: there are some, and none fits.
std::optional<std::size_t> Queue::State::first_for(int rank, bool ahead, const Fits& fits, bool& is_too_late) const {
  is_too_late = false;
  for (const bool of_suspects : {false, true}) {
    if (of_suspects && (ahead || suspect_in_hand)) {
      break;
    }
    for (const std::size_t index : ready) {
      const WorkItem& item = entries[index].item;
      if (item.suspect != of_suspects || !allowed(index, rank)) {
        continue;
      }
      if (!fits || fits(item.pack_key, item.cost)) {
        is_too_late = false;
        return index;
      }
      is_too_late = true;
    }
  }
  return std::nullopt;
}

std::optional<Chunk> Queue::take(int rank, bool ahead, const Fits& fits) {
  State& state = *state_;
  const Chunk end{.items = {}, .depend_digests = {}, .finished = true};
  if (state.num_left == 0 || state.is_closed) {
    return end;
  }
  bool is_too_late = false;
  const std::optional<std::size_t> first = state.first_for(rank, ahead, fits, is_too_late);
  if (!first) {
    if (is_too_late) {
      return end;
    }
    state.unserved.insert(rank);
    return std::nullopt;
  }
  const State::Key& key = state.keys[state.entries[*first].key];
  Share share = state.fair_share(key, rank);
  share.cost *= ahead ? kShareAhead : 1;
  state.unserved.erase(rank);

  Chunk chunk;
  if (state.entries[*first].item.suspect) {
    state.suspect_in_hand = *first;
    state.give(*first, rank, chunk);
    return chunk;
  }
  Amount taken;
  int passed_over = 0;
  for (auto next = key.items.find(*first);
       next != key.items.end() && taken.lanes < share.lanes && passed_over < kMaxPassedOver;) {
    const std::size_t index = *next++;  // give() takes it out of the set
    const Entry& entry = state.entries[index];
    const std::int64_t lanes = taken.lanes + entry.item.num_lanes;
    const bool is_fair = lanes <= share.smallest_lanes || taken.cost + entry.item.cost / 2 <= share.cost * kRounding;
    if (!chunk.items.empty() && !is_fair) {
      break;  // those that come after are shorter, but so is what is left for the others
    }
    const auto in_chunk = [&](std::size_t other) {
      return std::find(chunk.items.begin(), chunk.items.end(), other) != chunk.items.end();
    };
    const bool has_room = chunk.items.empty() || lanes <= share.lanes;
    const bool is_in_time = !fits || fits(entry.item.pack_key, taken.cost + entry.item.cost);
    if (has_room && is_in_time && !entry.item.suspect && state.allowed(index, rank) &&
        std::none_of(entry.conflicts.begin(), entry.conflicts.end(), in_chunk)) {
      taken.add(entry.item);
      state.give(index, rank, chunk);
    } else {
      ++passed_over;
    }
  }
  return chunk;
}

void Queue::finish(std::size_t item, const std::string& digest) {
  if (item >= state_->entries.size() || state_->entries[item].status != Status::taken) {
    throw Error("work item " + std::to_string(item) + " was finished, but nobody has it");
  }
  state_->entries[item].item.digest = digest;
  state_->complete(item);
}

void Queue::leave(int rank) {
  State& state = *state_;
  state.present.erase(rank);
  state.unserved.erase(rank);
  for (std::size_t i = 0; i < state.entries.size(); ++i) {
    Entry& entry = state.entries[i];
    if (entry.taken_by == rank && entry.status == Status::taken) {
      if (state.suspect_in_hand == i) {
        state.suspect_in_hand.reset();
      }
      ++state.num_left;
      state.keys[entry.key].left.add(entry.item);
      state.make_ready(i);
    }
  }
}

void Queue::close() { state_->is_closed = true; }

std::size_t Queue::num_ready() const { return state_->ready.size(); }
std::size_t Queue::num_left() const { return state_->num_left; }
const WorkItem& Queue::item(std::size_t index) const { return state_->entries.at(index).item; }
bool Queue::all_done() const { return state_->num_done == state_->entries.size(); }
std::size_t Queue::num_done() const { return state_->num_done; }
std::size_t Queue::size() const { return state_->entries.size(); }

}  // namespace unroll::schedule
