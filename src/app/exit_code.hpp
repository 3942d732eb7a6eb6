#pragma once
#include "commands.hpp"
#include "unroll/store/outcome.hpp"

namespace unroll::app {

/// 0 complete, 3 some runs failed, 75 incomplete: run again, 1 an error.
[[nodiscard]] inline int exit_code(const store::Outcome& outcome) {
  switch (outcome.kind) {
    case store::Outcome::Kind::complete:
      return kExitComplete;
    case store::Outcome::Kind::failed:
      return kExitFailedRuns;
    case store::Outcome::Kind::incomplete:
      return kExitIncomplete;
    case store::Outcome::Kind::error:
      break;
  }
  return kExitError;
}

}  // namespace unroll::app
