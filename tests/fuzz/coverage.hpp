#pragma once
// Which places of the code under test a run came to. g++ calls coverage.cpp's function in each basic block of what is
// compiled with -fsanitize-coverage=trace-pc; the map is shared with child processes.
#include <cstddef>

namespace unroll::fuzz {

/// To be called between runs. Folds the counts of the run into all that was seen: whether some place was new, or
/// was reached a new order of magnitude of times.
bool fold_coverage();
/// Places seen so far.
std::size_t num_edges();
/// Makes the map; before it, nothing is counted.
void start_coverage();

}  // namespace unroll::fuzz
