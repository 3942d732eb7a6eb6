#include "unroll/store/outcome.hpp"

#include <array>

#include "unroll/base/text.hpp"

namespace unroll::store {
namespace {

constexpr std::array<std::string_view, 4> kKinds = {"complete", "failed", "incomplete", "error"};  // as in Kind
constexpr std::size_t kMaxText = 2000;

}  // namespace

std::string outcome_line(const Outcome& outcome) {
  std::string line(kKinds[static_cast<std::size_t>(outcome.kind)]);
  if (outcome.kind == Outcome::Kind::failed) {
    line += ' ' + std::to_string(outcome.num_failed);
  } else if (outcome.kind != Outcome::Kind::complete) {
    line += ' ' + printable(outcome.text, kMaxText);
  }
  return line;
}

std::optional<Outcome> read_outcome(std::string_view line) {
  const std::size_t blank = line.find(' ');
  const std::string_view word = line.substr(0, blank), rest = blank == line.npos ? "" : line.substr(blank + 1);
  for (std::size_t i = 0; i < kKinds.size(); ++i) {
    if (word != kKinds[i]) {
      continue;
    }
    Outcome outcome{static_cast<Outcome::Kind>(i), 0, std::string(rest)};
    if (outcome.kind == Outcome::Kind::failed) {
      const auto count = parse_integer(rest);
      if (!count || *count < 0) {
        return std::nullopt;
      }
      outcome.num_failed = *count;
      outcome.text.clear();
    }
    return outcome;
  }
  return std::nullopt;
}

}  // namespace unroll::store
