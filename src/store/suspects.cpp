#include "unroll/store/suspects.hpp"

#include <algorithm>
#include <vector>

#include "unroll/base/text.hpp"
#include "unroll/store/attempt.hpp"
#include "unroll/store/events.hpp"

namespace unroll::store {
namespace {

struct Hand {
  std::vector<std::string> names;
  bool is_suspect = false;  // one, alone
};

std::string_view first_word(std::string_view text) { return text.substr(0, text.find(' ')); }

Hand hand_of(const std::vector<Event>& events) {
  Hand hand;
  std::string announced;
  for (const Event& event : events) {
    if (event.kind == "suspect") {
      announced = first_word(event.text);
    } else if (event.kind == "take" || event.kind == "try") {
      hand.names.clear();
      for (const std::string_view name : split(event.text, ',')) {
        hand.names.emplace_back(name);
      }
      hand.is_suspect = hand.names.size() == 1 && hand.names.front() == announced;
    } else if (event.kind == "done" || event.kind == "fail") {
      std::erase(hand.names, first_word(event.text));
    } else if (event.kind == "back") {
      hand.names.clear();
    }
  }
  return hand;
}

/// "tree:<id>:0+2" is "tree:<id>:0" and "tree:<id>:2".
std::vector<std::string> parts_of(const std::string& name) {
  const std::size_t forks = name.find(':', name.find(':') + 1);
  if (forks == std::string::npos) {
    return {name};
  }
  std::vector<std::string> parts;
  for (const std::string_view fork : split(std::string_view(name).substr(forks + 1), '+')) {
    parts.push_back(name.substr(0, forks + 1) + std::string(fork));
  }
  return parts;
}

}  // namespace

Suspects suspects(const std::string& folder, std::int64_t after, std::int64_t before) {
  Suspects found;
  for (std::int64_t attempt = after + 1; attempt < before; ++attempt) {
    if (!last_outcome(folder, attempt).empty()) {
      continue;
    }
    std::vector<Hand> hands;
    for (const int rank : ranks_with_events(folder, attempt)) {
      Hand hand = hand_of(read_events(folder, attempt, rank));
      if (!hand.names.empty()) {
        hands.push_back(std::move(hand));
      }
    }
    const bool is_alone = hands.size() == 1 && hands.front().is_suspect;
    for (const Hand& hand : hands) {
      for (const std::string& name : hand.names) {
        for (const std::string& part : parts_of(name)) {
          found[part] += is_alone ? 1 : 0;
        }
      }
    }
  }
  return found;
}

}  // namespace unroll::store
