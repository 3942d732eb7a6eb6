#pragma once
// The control `none` (DESIGN 4.7): M trained once more from w_0, in a pack of its own. It leaves its states at the
// steps that the tree's controls are measured at, as arrays "t<step>.<name>" of a stage file.
#include <cstdint>
#include <string>

#include "execute/checkpoint.hpp"
#include "unroll/execute/context.hpp"
#include "unroll/hdf5/arrays.hpp"

namespace unroll::execute {

/// The stage id under which a tree's repeat is kept.
[[nodiscard]] std::string repeat_id(const plan::Tree& tree);

/// saved: where it goes on from.
[[nodiscard]] hdf5::ArrayFile train_repeat(Context& context, std::size_t tree, const model::State& start,
                                           const Between& between, std::optional<SavedPart> saved = {});

[[nodiscard]] model::State repeated_state(const model::Network& network, const hdf5::ArrayFile& repeat,
                                          std::int64_t step, torch::ScalarType dtype);

}  // namespace unroll::execute
