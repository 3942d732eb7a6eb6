#pragma once
// Comparison groups: when every model is trained, the weights that were kept become rows of /distances.
#include <string>
#include <vector>

#include "unroll/execute/context.hpp"
#include "unroll/execute/stop.hpp"
#include "unroll/gather/gather.hpp"
#include "unroll/mpi/mpi.hpp"
#include "unroll/record/rows.hpp"
#include "unroll/store/kept_weights.hpp"
#include "unroll/store/store.hpp"

namespace unroll::execute {

/// Collective, when no rank trains any more. compared: by Plan::groups, those that are committed already. of_all:
/// the gatherer of the world's ranks. Rows are durable when it returns, and weights that no open group needs are gone.
/// A group with a model that was not trained stays open, and so do all that are left when a rank is to stop: ranks ask
/// between two groups.
void compare_groups(const mpi::Communicator& world, Context& context, const std::string& folder,
                    const std::vector<bool>& compared, store::Writer& writer, gather::Gatherer& of_all,
                    StopSource& stop);

/// Which of a group's models a rank reads: rank, rank + num_ranks, ...
struct Share {
  std::size_t rank = 0, num_ranks = 1;
};
/// The rows of one group, on rank 0 of the gatherer: for each step every pair of its members, in their order. As
/// collective as the gatherer is.
[[nodiscard]] std::vector<record::DistanceRow> group_rows(Context& context, const plan::Group& group,
                                                          store::KeptReader& weights, gather::Gatherer& gatherer,
                                                          const Share& share);

}  // namespace unroll::execute
