#pragma once
// Steps of M, as methods are told of them.
#include <cstdint>
#include <vector>

#include "unroll/base/archive.hpp"

namespace unroll::unlearn {

/// A step of M whose batch holds no example of the forget set.
struct Step {
  std::int64_t step = 0;
  double lr = 0;
  const std::vector<std::int64_t>& rows;  // the batch of M and M'
};

/// A step of M whose batch holds examples of the forget set.
struct Touch {
  std::int64_t step = 0;
  double lr = 0;
  std::vector<std::int64_t> rows;       // M's batch, in its places
  std::vector<std::int64_t> rows_left;  // without F, as M' sees it; empty: M' skips the step
  std::vector<std::int64_t> rows_forgotten;
  void transfer(Archive& archive) { archive(step, lr, rows, rows_left, rows_forgotten); }
};

}  // namespace unroll::unlearn
