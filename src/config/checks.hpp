#pragma once
// What settings must say together: requirements between keys, keys that would be ignored, cells that coincide.
#include <vector>

#include "grid.hpp"

namespace unroll::config {

/// epochs or steps, every or steps: at most one is set, in the whole study.
void check_alternatives(const std::vector<Entry>& entries);
/// A key that is set must act in at least one cell.
void check_nothing_ignored(const std::vector<Entry>& entries, const std::vector<Settings>& cells);
/// In every cell: files where they are needed, and combinations that have no meaning.
void check_requirements(const Study& study);
/// No two cells may mean the same: an axis changed nothing there.
void check_cells_differ(const Study& study);

}  // namespace unroll::config
