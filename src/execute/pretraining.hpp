#pragma once
// Pretraining: several models of one shape side by side, from their initialisation to w_0.
#include <optional>
#include <span>
#include <vector>

#include "execute/checkpoint.hpp"
#include "unroll/execute/context.hpp"
#include "unroll/hdf5/arrays.hpp"
#include "unroll/store/cache.hpp"

namespace unroll::execute {

/// w_0 of each pretraining (indices into Plan::pretrainings, all of one pack key), in their order. BatchNorm trains.
/// saved: by pretraining, where it goes on from; or empty.
[[nodiscard]] std::vector<model::State> pretrain(Context& context, std::span<const std::size_t> pretrainings,
                                                 const Between& between,
                                                 std::vector<std::optional<SavedPart>> saved = {});

/// A w_0 as a stage file, and back.
[[nodiscard]] hdf5::ArrayFile stage_of(Context& context, const plan::Pretraining& pretraining,
                                       const model::State& state);
[[nodiscard]] model::State state_of(Context& context, const plan::Pretraining& pretraining,
                                    const hdf5::ArrayFile& stage);
/// The w_0 that the cache holds, if it holds one that fits.
[[nodiscard]] std::optional<model::State> cached_state(Context& context, const plan::Pretraining& pretraining,
                                                       store::StageCache& cache);

}  // namespace unroll::execute
