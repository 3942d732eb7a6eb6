#pragma once
// What ranks tell each other before weights move, and how the sums of their slices meet.
#include <string>

#include "gather/rank_plan.hpp"
#include "gather/totals.hpp"
#include "unroll/gather/gather.hpp"
#include "unroll/mpi/exchange.hpp"

namespace unroll::gather {

/// Collective. The rank of every model's row. Error: as Gatherer::distances says; the same on all ranks.
[[nodiscard]] std::vector<int> agree_on_owners(mpi::Exchange& exchange, const mpi::Communicator& communicator,
                                               const Request& request, const Options& options,
                                               std::span<const Row> rows);

/// Collective. Every rank's failure, or empty; returns that of the first rank that has one, with its number.
[[nodiscard]] std::string first_failure(mpi::Exchange& exchange, const mpi::Communicator& communicator,
                                        const std::string& failure);

/// A rank's segments, measured and kept.
struct KeptSegment {
  std::int64_t tensor = 0;
  Sums sums;
};

/// Collective. Rank 0 adds the segments of the other ranks' slices to its own, rank by rank.
void gather_sums(mpi::Exchange& exchange, const mpi::Communicator& communicator, const Request& request,
                 const std::vector<Block>& blocks, const std::vector<BlockRange>& slices,
                 const std::vector<KeptSegment>& own, Totals& totals);

/// Collective. Every rank's `distances`, but for `work`, become those of rank 0.
void share(mpi::Exchange& exchange, const mpi::Communicator& communicator, const Request& request,
           Distances& distances);

}  // namespace unroll::gather
